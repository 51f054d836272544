// The cross-reference of a file, read here: tables, streams and hybrids, from the last section back to the
// first.
//
// PoDoFo reads no cross-reference stream whose fields have more than four octets (pyHanko writes eight). For
// such a file this says the same in one stream of narrower fields, which stands behind the file in memory and
// nowhere else.
#pragma once

#include <cstdint>
#include <string>

#include "api/documents/pdf/limits.h"
#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

// The offset behind the last "startxref". kInvalidArgument (field "document"): there is none.
Result<std::uint64_t> last_section(ByteView file);

// A cross-reference stream, "startxref" and "%%EOF", to stand right behind `file`.
// kInvalidArgument (field "document"): a section is broken. kLimitExceeded (field "document").
Result<std::string> narrow_section(ByteView file, const Limits& limits);

}  // namespace sigillo::pdf
