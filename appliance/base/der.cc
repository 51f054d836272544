#include "appliance/base/der.h"

#include <algorithm>

namespace sigillo {
namespace {

// Octets of a length. Four hold 4 GiB, more than any bound above admits.
constexpr std::size_t kMaxLengthOctets = 4;

}  // namespace

std::optional<DerElement> DerReader::next() {
    if (rest_.size() < 2) return std::nullopt;
    const std::uint8_t tag = rest_[0];
    if ((tag & 0x1FU) == 0x1FU) return std::nullopt;  // X.690 §8.1.2.4: more than one octet
    std::size_t length = rest_[1];
    std::size_t header = 2;
    if (length > 0x7F) {
        const std::size_t octets = length & 0x7FU;
        // 0x80 is the indefinite form, which DER forbids (§10.1).
        if (octets == 0 || octets > kMaxLengthOctets || rest_.size() < header + octets) return std::nullopt;
        length = 0;
        for (std::size_t i = 0; i < octets; ++i) length = length << 8U | rest_[header + i];
        header += octets;
        // The shortest form (§10.1): neither what one octet could say, nor a leading zero.
        if (length < 0x80 || length >> (8 * (octets - 1)) == 0) return std::nullopt;
    }
    if (rest_.size() - header < length) return std::nullopt;
    const DerElement element{tag, rest_.subspan(header, length), rest_.first(header + length)};
    rest_ = rest_.subspan(header + length);
    return element;
}

std::optional<DerElement> DerReader::next(std::uint8_t tag) {
    if (!next_is(tag)) return std::nullopt;
    return next();
}

bool is_der_integer(ByteView content) {
    if (content.empty()) return false;
    if (content.size() == 1) return true;
    const bool negative = (content[1] & 0x80U) != 0;
    return content[0] != (negative ? 0xFF : 0x00);
}

bool is_der_oid(ByteView content) {
    if (content.empty() || (content.back() & 0x80U) != 0) return false;
    bool at_start = true;
    for (const std::uint8_t octet : content) {
        if (at_start && octet == 0x80) return false;
        at_start = (octet & 0x80U) == 0;
    }
    return true;
}

DerWriter& DerWriter::raw(ByteView bytes) {
    if (begin_ < bytes.size()) {
        const std::size_t used = written();
        Bytes larger(2 * (used + bytes.size()));
        std::ranges::copy(view(), larger.end() - static_cast<std::ptrdiff_t>(used));
        buffer_ = std::move(larger);
        begin_ = buffer_.size() - used;
    }
    begin_ -= bytes.size();
    std::ranges::copy(bytes, buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    return *this;
}

void DerWriter::header(std::uint8_t tag, std::size_t length) {
    std::uint8_t octets[2 + sizeof length];
    std::size_t at = sizeof octets;
    if (length < 0x80) {
        octets[--at] = static_cast<std::uint8_t>(length);
    } else {
        std::uint8_t count = 0;
        for (; length != 0; length >>= 8U, ++count) octets[--at] = static_cast<std::uint8_t>(length);
        octets[--at] = static_cast<std::uint8_t>(0x80U | count);
    }
    octets[--at] = tag;
    raw(ByteView(octets).subspan(at));
}

DerWriter& DerWriter::element(std::uint8_t tag, ByteView content) {
    raw(content);
    header(tag, content.size());
    return *this;
}

DerWriter& DerWriter::close(std::uint8_t tag, std::size_t mark) {
    header(tag, written() - mark);
    return *this;
}

DerWriter& DerWriter::integer(std::uint64_t value, std::uint8_t tag) {
    std::uint8_t octets[1 + sizeof value];
    std::size_t at = sizeof octets;
    do {
        octets[--at] = static_cast<std::uint8_t>(value);
        value >>= 8U;
    } while (value != 0);
    if ((octets[at] & 0x80U) != 0) octets[--at] = 0;
    return element(tag, ByteView(octets).subspan(at));
}

}  // namespace sigillo
