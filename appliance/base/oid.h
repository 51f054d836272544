// Object identifiers as people write them ("0.4.0.2023.1.1") and as DER has them.
// Pure functions; safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo {

// The content octets of an OBJECT IDENTIFIER (X.690 §8.19). kInvalidArgument with `field` "oid" when it is
// not dotted decimal without leading zeros, has fewer than two arcs, breaks the rule of the first two (0 or 1
// and at most 39, or 2), or an arc passes 2^63.
Result<Bytes> encode_oid(std::string_view dotted);

// "0.4.0.1862.1.1" of the content of an OBJECT IDENTIFIER; nothing when it is malformed, longer than 64
// octets or has an arc beyond 32 bits.
std::optional<std::string> dotted_oid(ByteView content);

}  // namespace sigillo
