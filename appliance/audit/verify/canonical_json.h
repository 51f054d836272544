// JSON in the one spelling of RFC 8785, for the small part of JSON that leaves are made of: an object of
// strings, booleans, integers below 2^53 and arrays of these. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/base/result.h"

namespace sigillo::audit {

// RFC 7493 §2.2: integers up to here survive every JSON reader.
inline constexpr std::uint64_t kLargestInteger = (std::uint64_t{1} << 53) - 1;

// The next code point of well-formed UTF-8 (no surrogates, no overlong forms), which is taken off `text`;
// nothing when `text` is empty or does not begin with one.
std::optional<char32_t> take_code_point(std::string_view& text);
bool is_utf8(std::string_view text);

// `text` must be UTF-8: RFC 8785 §3.2.2.2, with the quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace sigillo::audit
