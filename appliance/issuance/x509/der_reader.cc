#include "appliance/issuance/x509/der_reader.h"

#include <limits>

namespace sigillo {

std::optional<DerElement> DerReader::next() {
    if (rest_.size() < 2) return std::nullopt;
    const std::uint8_t tag = rest_[0];
    if ((tag & 0x1FU) == 0x1FU) return std::nullopt;  // a tag of several octets
    std::size_t length = rest_[1];
    std::size_t header = 2;
    if (length >= 0x80U) {
        const std::size_t octets = length & 0x7FU;
        if (octets == 0 || octets > 4 || rest_.size() < 2 + octets) return std::nullopt;
        length = 0;
        for (std::size_t i = 0; i < octets; ++i) length = length << 8U | rest_[2 + i];
        header += octets;
        if (length < 0x80U || rest_[2] == 0) return std::nullopt;  // not the shortest form
    }
    if (length > rest_.size() - header) return std::nullopt;
    const DerElement element{tag, rest_.subspan(header, length), rest_.first(header + length)};
    rest_ = rest_.subspan(header + length);
    return element;
}

std::optional<ByteView> DerReader::next(std::uint8_t tag) {
    const auto element = next();
    return element && element->tag == tag ? std::optional(element->content) : std::nullopt;
}

std::optional<std::string> dotted_oid(ByteView content) {
    if (content.empty() || content.size() > 64 || (content.back() & 0x80U) != 0) return std::nullopt;
    std::string text;
    std::uint64_t arc = 0;
    bool begun = false;
    for (const std::uint8_t octet : content) {
        if (!begun && octet == 0x80U) return std::nullopt;  // a leading zero
        begun = true;
        arc = arc << 7U | (octet & 0x7FU);
        if (arc > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
        if ((octet & 0x80U) != 0) continue;
        if (text.empty()) {
            const std::uint64_t first = arc < 80 ? arc / 40 : 2;
            text = std::to_string(first) + "." + std::to_string(arc - first * 40);
        } else {
            text += "." + std::to_string(arc);
        }
        arc = 0;
        begun = false;
    }
    return text;
}

}  // namespace sigillo
