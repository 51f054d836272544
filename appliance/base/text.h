// What text is. Pure functions; safe from any thread.
#pragma once

#include <optional>
#include <string_view>

namespace sigillo {

// The number of characters of `text`; nothing when it is not UTF-8 (RFC 3629: no overlong forms, no
// surrogates).
std::optional<std::size_t> count_utf8(std::string_view text);
// Whether `text` (UTF-8) holds a control character (C0, DEL, C1), one that turns the direction of writing
// around (U+202A to U+202E, U+2066 to U+2069) or one that is not seen (U+200B and its like; not the joiners
// U+200C and U+200D): such names would read differently than they are.
bool has_deceptive_characters(std::string_view text);
// X.680 §41.4
bool is_printable_string(std::string_view text);
// Visible ASCII alone, as URLs have it.
bool is_visible_ascii(std::string_view text);

}  // namespace sigillo
