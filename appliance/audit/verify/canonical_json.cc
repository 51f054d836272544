#include "appliance/audit/verify/canonical_json.h"

namespace sigillo::audit {

std::optional<char32_t> take_code_point(std::string_view& text) {
    if (text.empty()) return std::nullopt;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    std::size_t length = 1;
    char32_t point = first;
    if (first >= 0x80) {
        if (first >= 0xc2 && first <= 0xdf) {
            length = 2;
            point = first & 0x1fu;
        } else if (first >= 0xe0 && first <= 0xef) {
            length = 3;
            point = first & 0x0fu;
        } else if (first >= 0xf0 && first <= 0xf4) {
            length = 4;
            point = first & 0x07u;
        } else {
            return std::nullopt;
        }
        if (text.size() < length) return std::nullopt;
        for (std::size_t i = 1; i < length; ++i) {
            if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
            point = (point << 6) | (byte(i) & 0x3fu);
        }
        const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
        if (overlong || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return std::nullopt;
    }
    text.remove_prefix(length);
    return point;
}

bool is_utf8(std::string_view text) {
    // Nearly all that is written is ASCII.
    unsigned char bits = 0;
    for (const char c : text) bits |= static_cast<unsigned char>(c);
    if (bits < 0x80) return true;
    while (!text.empty()) {
        if (!take_code_point(text)) return false;
    }
    return true;
}

void append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += '"';
    std::size_t plain = 0;  // where what stands for itself begins
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
        out += text.substr(plain, i - plain);
        plain = i + 1;
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\r':
                out += "\\r";
                break;
            default:
                out += "\\u00";
                out += kDigits[static_cast<unsigned char>(c) >> 4];
                out += kDigits[static_cast<unsigned char>(c) & 15];
        }
    }
    out += text.substr(plain);
    out += '"';
}

}  // namespace sigillo::audit
