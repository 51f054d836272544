#include "appliance/base/text.h"

#include <algorithm>
#include <cstdint>

namespace sigillo {
namespace {

// The character at `at`, which moves behind it; nothing when the octets there are not UTF-8.
std::optional<std::uint32_t> next_character(std::string_view text, std::size_t& at) {
    const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t lead = octet(at);
    if (lead < 0x80U) {
        ++at;
        return lead;
    }
    const std::size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
    if (lead < 0xC2U || lead > 0xF4U || at + length > text.size()) return std::nullopt;
    std::uint32_t value = lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((octet(at + i) & 0xC0U) != 0x80U) return std::nullopt;
        value = value << 6U | (octet(at + i) & 0x3FU);
    }
    const std::uint32_t least = length == 4 ? 0x10000U : length == 3 ? 0x800U : 0x80U;
    if (value < least || value > 0x10FFFFU || (value >= 0xD800U && value <= 0xDFFFU)) return std::nullopt;
    at += length;
    return value;
}

}  // namespace

std::optional<std::size_t> count_utf8(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++count)
        if (!next_character(text, at)) return std::nullopt;
    return count;
}

namespace {

// Characters that are not seen, besides the joiners U+200C and U+200D, without which some scripts misspell
// names.
bool is_invisible(std::uint32_t c) {
    return c == 0xADU || c == 0x115FU || c == 0x1160U || c == 0x180EU || c == 0x200BU || c == 0x200EU ||
           c == 0x200FU || (c >= 0x2060U && c <= 0x2064U) || c == 0x3164U || c == 0xFEFFU || c == 0xFFA0U ||
           (c >= 0xE0000U && c <= 0xE007FU);
}

}  // namespace

bool has_deceptive_characters(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto c = next_character(text, at);
        if (!c || *c < 0x20U || (*c >= 0x7FU && *c <= 0x9FU) || (*c >= 0x202AU && *c <= 0x202EU) ||
            (*c >= 0x2066U && *c <= 0x2069U) || is_invisible(*c))
            return true;
    }
    return false;
}

bool is_printable_string(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view(" '()+,-./:=?").find(c) != std::string_view::npos;
    });
}

bool is_visible_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

}  // namespace sigillo
