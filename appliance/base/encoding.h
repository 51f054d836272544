// Text encodings of bytes (RFC 4648). Decoders are strict: no white space, canonical padding, no
// stray bits; what they accept has exactly one spelling. Errors: kInvalidArgument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo {

std::string hex_encode(ByteView bytes);           // lower case
Result<Bytes> hex_decode(std::string_view text);  // lower case only

std::string base64_encode(ByteView bytes);  // §4, with padding
Result<Bytes> base64_decode(std::string_view text);
std::string base64url_encode(ByteView bytes);  // §5, without padding
Result<Bytes> base64url_decode(std::string_view text);

std::string base32_encode(ByteView bytes);  // §6, without padding, as otpauth:// wants it

// A decimal number without sign or leading zeroes that fits.
std::optional<std::uint64_t> parse_decimal(std::string_view text);
std::string grouped(std::uint64_t number);  // for people: "12,345"

}  // namespace sigillo
