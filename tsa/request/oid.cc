#include "tsa/request/oid.h"

#include <charconv>
#include <cstdint>
#include <limits>

namespace sigillo::tsa {
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

}  // namespace sigillo::tsa
