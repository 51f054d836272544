// Decoding the stream of a cross-reference (ISO 32000-1 §7.4.4): Flate with PNG's predictors, or nothing.
#pragma once

#include "api/documents/pdf/source_text.h"
#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

// kInvalidArgument (field "document"): another filter, or broken. kLimitExceeded (field "document"): more
// than `limit` octets.
Result<Bytes> decode(const DictionaryText& dictionary, ByteView data, std::size_t limit);

}  // namespace sigillo::pdf
