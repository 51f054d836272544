#include "appliance/base/encoding.h"

#include <charconv>

#include <array>
#include <cstdint>

namespace sigillo {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

using Reverse = std::array<std::int8_t, 256>;

constexpr Reverse reverse_of(std::string_view alphabet) {
    Reverse table{};
    table.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
    return table;
}

// `width` bits a character, most significant first; the last character's spare bits are zero.
std::string encode(ByteView bytes, std::string_view alphabet, unsigned width) {
    std::string text;
    text.reserve((bytes.size() * 8 + width - 1) / width + 3);
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    const std::uint32_t mask = (1u << width) - 1;
    for (const std::uint8_t byte : bytes) {
        buffer = (buffer << 8) | byte;
        for (bits += 8; bits >= width;) {
            bits -= width;
            text.push_back(alphabet[(buffer >> bits) & mask]);
        }
    }
    if (bits > 0) text.push_back(alphabet[(buffer << (width - bits)) & mask]);
    return text;
}

Result<Bytes> decode64(std::string_view text, const Reverse& table, std::string_view name) {
    if (text.size() % 4 == 1) return fail(Errc::kInvalidArgument, std::string(name) + ": impossible length");
    Bytes out;
    out.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const auto value = table[static_cast<std::uint8_t>(c)];
        if (value < 0)
            return fail(Errc::kInvalidArgument, std::string(name) + ": character outside the alphabet");
        buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
        if (bits += 6; bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<std::uint8_t>(buffer >> bits));
        }
    }
    if ((buffer & ((1u << bits) - 1)) != 0)
        return fail(Errc::kInvalidArgument, std::string(name) + ": stray bits at the end");
    return out;
}

}  // namespace

std::string hex_encode(ByteView bytes) {
    return encode(bytes, kHex, 4);
}

Result<Bytes> hex_decode(std::string_view text) {
    static constexpr Reverse kTable = reverse_of(kHex);
    if (text.size() % 2 != 0) return fail(Errc::kInvalidArgument, "hex: odd length");
    Bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = kTable[static_cast<std::uint8_t>(text[i])];
        const int low = kTable[static_cast<std::uint8_t>(text[i + 1])];
        if (high < 0 || low < 0) return fail(Errc::kInvalidArgument, "hex: character outside 0-9 a-f");
        out.push_back(static_cast<std::uint8_t>(high * 16 + low));
    }
    return out;
}

std::string base64_encode(ByteView bytes) {
    std::string text = encode(bytes, kBase64, 6);
    while (text.size() % 4 != 0) text.push_back('=');
    return text;
}

Result<Bytes> base64_decode(std::string_view text) {
    static constexpr Reverse kTable = reverse_of(kBase64);
    if (text.size() % 4 != 0) return fail(Errc::kInvalidArgument, "base64: length is not a multiple of four");
    if (text.ends_with("==")) {
        text.remove_suffix(2);
    } else if (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    return decode64(text, kTable, "base64");
}

std::string base64url_encode(ByteView bytes) {
    return encode(bytes, kBase64Url, 6);
}

Result<Bytes> base64url_decode(std::string_view text) {
    static constexpr Reverse kTable = reverse_of(kBase64Url);
    return decode64(text, kTable, "base64url");
}

std::string base32_encode(ByteView bytes) {
    return encode(bytes, kBase32, 5);
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string grouped(std::uint64_t number) {
    const std::string digits = std::to_string(number);
    std::string text;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

}  // namespace sigillo
