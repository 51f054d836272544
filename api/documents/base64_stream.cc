#include "api/documents/base64_stream.h"

#include <algorithm>
#include <array>

#include "appliance/base/encoding.h"

namespace sigillo::api::documents {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint32_t kNone = 0x80000000;

using Table = std::array<std::uint32_t, 256>;

// Of one of the four characters of a group: its bits in their place, or kNone.
constexpr Table table_for(unsigned shift) {
    Table out{};
    out.fill(kNone);
    for (std::uint32_t i = 0; i < 64; ++i) out[static_cast<unsigned char>(kAlphabet[i])] = i << shift;
    return out;
}
constexpr Table kFirst = table_for(18), kSecond = table_for(12), kThird = table_for(6),
                kFourth = table_for(0);

void put(std::uint32_t bits, Bytes& out, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(bits >> (16 - 8 * i)));
}

// Whole groups of three.
void encode_groups(ByteView bytes, std::string& out) {
    std::size_t place = out.size();
    out.resize(place + bytes.size() / 3 * 4);
    for (std::size_t i = 0; i + 3 <= bytes.size(); i += 3) {
        const std::uint32_t bits = static_cast<std::uint32_t>(bytes[i]) << 16 |
                                   static_cast<std::uint32_t>(bytes[i + 1]) << 8 | bytes[i + 2];
        out[place++] = kAlphabet[bits >> 18];
        out[place++] = kAlphabet[bits >> 12 & 63];
        out[place++] = kAlphabet[bits >> 6 & 63];
        out[place++] = kAlphabet[bits & 63];
    }
}

}  // namespace

bool Base64Decoder::feed(std::string_view text, Bytes& out) {
    if (!good_) return false;
    if (pending_ > 0 && !take_rest(text, out)) return good_ = false;
    if (text.empty()) return true;
    if (padding_ > 0) return good_ = false;  // something follows the end
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    std::size_t i = 0;
    std::size_t place = out.size();
    out.resize(place + text.size() / 4 * 3);
    for (; i + 4 <= text.size(); i += 4) {
        const std::uint32_t bits =
            kFirst[at(i)] | kSecond[at(i + 1)] | kThird[at(i + 2)] | kFourth[at(i + 3)];
        if ((bits & kNone) != 0) break;
        out[place++] = static_cast<std::uint8_t>(bits >> 16);
        out[place++] = static_cast<std::uint8_t>(bits >> 8);
        out[place++] = static_cast<std::uint8_t>(bits);
    }
    out.resize(place);
    text.remove_prefix(i);
    if (!text.empty() && !take_rest(text, out)) return good_ = false;
    return good_ = text.empty();
}

// Characters up to the end of one group. False: it is none.
bool Base64Decoder::take_rest(std::string_view& text, Bytes& out) {
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == '=') {
            if (pending_ < 2) return false;
            ++padding_;
        } else {
            const std::uint32_t value = kFourth[static_cast<unsigned char>(c)];
            if (value == kNone || padding_ > 0) return false;
            bits_ |= value << (18 - 6 * pending_);
        }
        if (++pending_ < 4) continue;
        // Bits that no byte takes must be zero: each byte string has one spelling.
        if ((padding_ == 1 && (bits_ & 0xff) != 0) || (padding_ == 2 && (bits_ & 0xffff) != 0)) return false;
        put(bits_, out, 3 - padding_);
        bits_ = 0;
        pending_ = 0;
        return true;
    }
    return true;
}

void Base64Encoder::feed(ByteView bytes, std::string& out) {
    while (count_ > 0 && count_ < 3 && !bytes.empty()) {
        kept_[count_++] = bytes.front();
        bytes = bytes.subspan(1);
    }
    if (count_ == 3) {
        encode_groups({kept_, 3}, out);
        count_ = 0;
    }
    const std::size_t whole = bytes.size() / 3 * 3;
    encode_groups(bytes.first(whole), out);
    for (const auto byte : bytes.subspan(whole)) kept_[count_++] = byte;
}

void Base64Encoder::finish(std::string& out) {
    out += base64_encode({kept_, count_});
    count_ = 0;
}

}  // namespace sigillo::api::documents
