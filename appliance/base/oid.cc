#include "appliance/base/oid.h"

#include <charconv>
#include <cstdint>
#include <limits>

namespace sigillo {
namespace {

std::unexpected<Error> not_an_oid(std::string_view dotted) {
    return fail(Errc::kInvalidArgument,
                "\"" + std::string(dotted.substr(0, 80)) + "\" is no object identifier", "oid");
}

void append_arc(Bytes& out, std::uint64_t arc) {
    std::uint8_t octets[10];
    std::size_t at = sizeof octets;
    octets[--at] = static_cast<std::uint8_t>(arc & 0x7FU);
    while ((arc >>= 7U) != 0) octets[--at] = static_cast<std::uint8_t>(0x80U | (arc & 0x7FU));
    append(out, ByteView(octets).subspan(at));
}

}  // namespace

Result<Bytes> encode_oid(std::string_view dotted) {
    constexpr std::uint64_t kLargestArc = std::uint64_t{std::numeric_limits<std::int64_t>::max()} - 80;
    Bytes content;
    std::uint64_t first = 0;
    std::string_view rest = dotted;
    for (std::size_t index = 0;; ++index) {
        const std::string_view text = rest.substr(0, rest.find('.'));
        std::uint64_t arc = 0;
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), arc);
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || arc > kLargestArc ||
            (text.size() > 1 && text[0] == '0'))
            return not_an_oid(dotted);
        if (index == 0) {
            if (arc > 2) return not_an_oid(dotted);
            first = arc;
        } else if (index == 1) {
            if (first < 2 && arc > 39) return not_an_oid(dotted);
            append_arc(content, first * 40 + arc);
        } else {
            append_arc(content, arc);
        }
        if (text.size() == rest.size()) break;
        rest.remove_prefix(text.size() + 1);
    }
    if (content.empty()) return not_an_oid(dotted);
    return content;
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
