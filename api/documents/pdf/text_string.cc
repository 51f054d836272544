#include "api/documents/pdf/text_string.h"

#include <array>
#include <charconv>
#include <cmath>

#include "appliance/base/encoding.h"

namespace sigillo::pdf {
namespace {

// ISO 32000-1 annex D.3: where PDFDocEncoding differs from Latin-1.
constexpr std::array<char32_t, 8> kFrom18{0x02D8, 0x02C7, 0x02C6, 0x02D9, 0x02DD, 0x02DB, 0x02DA, 0x02DC};
constexpr std::array<char32_t, 33> kFrom80{
    0x2022, 0x2020, 0x2021, 0x2026, 0x2014, 0x2013, 0x0192, 0x2044, 0x2039, 0x203A, 0x2212,
    0x2030, 0x201E, 0x201C, 0x201D, 0x2018, 0x2019, 0x201A, 0x2122, 0xFB01, 0xFB02, 0x0141,
    0x0152, 0x0160, 0x0178, 0x017D, 0x0131, 0x0142, 0x0153, 0x0161, 0x017E, 0xFFFD, 0x20AC};

char32_t from_pdf_doc(std::uint8_t byte) {
    if (byte >= 0x18 && byte <= 0x1F) return kFrom18[byte - 0x18U];
    if (byte >= 0x80 && byte <= 0xA0) return kFrom80[byte - 0x80U];
    return byte;
}

std::u32string from_utf16be(ByteView bytes) {
    std::u32string out;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        const char32_t unit = read_u16(bytes.subspan(i));
        if (unit >= 0xD800 && unit < 0xDC00 && i + 3 < bytes.size()) {
            const char32_t low = read_u16(bytes.subspan(i + 2));
            if (low >= 0xDC00 && low < 0xE000) {
                out += static_cast<char32_t>(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
                i += 2;
                continue;
            }
        }
        out += unit >= 0xD800 && unit < 0xE000 ? U'\uFFFD' : unit;
    }
    return out;
}

}  // namespace

std::optional<std::u32string> from_utf8(std::string_view text) {
    std::u32string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<std::uint8_t>(text[i]);
        const std::size_t length = lead < 0x80   ? 1
                                   : lead < 0xC2 ? 0
                                   : lead < 0xE0 ? 2
                                   : lead < 0xF0 ? 3
                                   : lead < 0xF5 ? 4
                                                 : 0;
        if (length == 0 || i + length > text.size()) return std::nullopt;
        char32_t point = length == 1 ? lead : lead & (0x7FU >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<std::uint8_t>(text[i + k]);
            if ((next & 0xC0U) != 0x80) return std::nullopt;
            point = (point << 6) | (next & 0x3FU);
        }
        constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
        if (point < kLeast[length] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
            return std::nullopt;
        out += point;
        i += length;
    }
    return out;
}

std::string to_utf8(std::u32string_view text) {
    std::string out;
    for (const char32_t point : text) {
        if (point < 0x80) {
            out += static_cast<char>(point);
        } else if (point < 0x800) {
            out += static_cast<char>(0xC0U | (point >> 6));
            out += static_cast<char>(0x80U | (point & 0x3FU));
        } else if (point < 0x10000) {
            out += static_cast<char>(0xE0U | (point >> 12));
            out += static_cast<char>(0x80U | ((point >> 6) & 0x3FU));
            out += static_cast<char>(0x80U | (point & 0x3FU));
        } else {
            out += static_cast<char>(0xF0U | (point >> 18));
            out += static_cast<char>(0x80U | ((point >> 12) & 0x3FU));
            out += static_cast<char>(0x80U | ((point >> 6) & 0x3FU));
            out += static_cast<char>(0x80U | (point & 0x3FU));
        }
    }
    return out;
}

std::string text_string(std::string_view text) {
    const std::u32string points = from_utf8(text).value_or(std::u32string());
    bool ascii = true;
    for (const char32_t point : points) ascii = ascii && point >= 0x20 && point < 0x7F;
    if (ascii) {
        std::string out = "(";
        for (const char c : text) {
            if (c == '(' || c == ')' || c == '\\') out += '\\';
            out += c;
        }
        return out + ')';
    }
    Bytes utf16;
    append_u16(utf16, 0xFEFF);
    for (const char32_t point : points) {
        if (point >= 0x10000) {
            append_u16(utf16, static_cast<std::uint16_t>(0xD800 + ((point - 0x10000) >> 10)));
            append_u16(utf16, static_cast<std::uint16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
        } else {
            append_u16(utf16, static_cast<std::uint16_t>(point));
        }
    }
    return hex_string(utf16);
}

std::string hex_string(ByteView bytes) {
    return '<' + hex_encode(bytes) + '>';
}

std::string name_source(std::string_view name) {
    std::string out = "/";
    for (const char c : name) {
        if (c > ' ' && c < 0x7F && std::string_view("()<>[]{}/%#").find(c) == std::string_view::npos) {
            out += c;
        } else {
            const auto byte = static_cast<std::uint8_t>(c);
            out += '#' + hex_encode(ByteView(&byte, 1));
        }
    }
    return out;
}

std::string date_string(WallTime time) {
    const std::string general = generalized_time(time);  // "20261123091500Z"
    return "(D:" + general + ')';
}

std::string decode_text_string(ByteView bytes) {
    if (bytes.size() >= 2 && bytes[0] == 0xFE && bytes[1] == 0xFF)
        return to_utf8(from_utf16be(bytes.subspan(2)));
    if (bytes.size() >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF) {
        const std::string_view text = as_text(bytes.subspan(3));
        if (from_utf8(text)) return std::string(text);
    }
    std::u32string out;
    for (const std::uint8_t byte : bytes) out += from_pdf_doc(byte);
    return to_utf8(out);
}

std::string number(double value) {
    std::array<char, 400> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, 4);
    std::string out(digits.data(), end.ptr);
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
    return out == "-0" ? "0" : out;
}

std::string real(double value) {
    std::array<char, 400> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed);
    std::string out(digits.data(), end.ptr);
    if (out.find('.') == std::string::npos) out += ".0";
    return out;
}

}  // namespace sigillo::pdf
