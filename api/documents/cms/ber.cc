#include "api/documents/cms/ber.h"

#include <algorithm>
#include <array>

#include "api/documents/cms/der.h"

namespace sigillo::cms {
namespace {

constexpr std::uint8_t kConstructed = 0x20;
constexpr std::size_t kMostHeader = 2 + sizeof(std::uint64_t);

std::unexpected<Error> malformed(std::string detail) {
    return fail(Errc::kInvalidArgument, std::move(detail));
}

std::string at_offset(std::uint64_t offset) {
    return " at octet " + std::to_string(offset);
}

}  // namespace

Result<BerScanner::Header> BerScanner::header_at(std::uint64_t offset, std::uint64_t end) const {
    if (offset >= end || end - offset < 2) return malformed("the encoding ends early" + at_offset(offset));
    std::array<std::uint8_t, kMostHeader> octets{};
    const std::size_t have = static_cast<std::size_t>(std::min<std::uint64_t>(octets.size(), end - offset));
    SIGILLO_TRY(source_.read_at(offset, std::span(octets).first(have)));
    Header header{octets[0], offset + 2, octets[1], false};
    if ((header.tag & 0x1FU) == 0x1FU) return malformed("a tag of more than one octet" + at_offset(offset));
    if (octets[1] == 0x80) {
        if ((header.tag & kConstructed) == 0)
            return malformed("a primitive element of indefinite length" + at_offset(offset));
        header.length = 0;
        header.indefinite = true;
        return header;
    }
    if (octets[1] > 0x80) {
        const std::size_t count = octets[1] & 0x7FU;
        if (count > sizeof(std::uint64_t) || 2 + count > have)
            return malformed("a length that cannot be read" + at_offset(offset));
        header.length = 0;
        for (std::size_t i = 0; i < count; ++i) header.length = header.length << 8U | octets[2 + i];
        header.content = offset + 2 + count;
    }
    if (header.length > end - header.content)
        return malformed("an element is longer than what holds it" + at_offset(offset));
    return header;
}

Result<std::uint64_t> BerScanner::end_of_contents(std::uint64_t offset, std::uint64_t end) const {
    std::size_t depth = 1;
    for (std::size_t count = 0; depth != 0; ++count) {
        if (count >= limits_.max_elements)
            return fail(Errc::kLimitExceeded, "an element of indefinite length has too many parts");
        SIGILLO_ASSIGN(const Header header, header_at(offset, end));
        offset = header.content;
        if (header.tag == 0 && !header.indefinite) {  // X.690 §8.1.5: two zero octets
            if (header.length != 0) return malformed("end-of-contents with contents" + at_offset(offset));
            --depth;
        } else if (header.indefinite) {
            if (++depth > limits_.max_depth)
                return fail(Errc::kLimitExceeded, "elements of indefinite length are nested too deep");
        } else {
            offset += header.length;
        }
    }
    return offset;
}

Result<BerElement> BerScanner::at(std::uint64_t offset, std::uint64_t end) const {
    SIGILLO_ASSIGN(const Header header, header_at(offset, end));
    if (header.tag == 0) return malformed("an element is missing" + at_offset(offset));
    BerElement element{header.tag, offset, header.content, header.content + header.length,
                       header.content + header.length};
    if (header.indefinite) {
        SIGILLO_ASSIGN(element.end, end_of_contents(header.content, end));
        element.content_end = element.end - 2;
    }
    return element;
}

Result<BerElement> BerScanner::expect(std::uint8_t tag, std::uint64_t offset, std::uint64_t end,
                                      std::string_view what) const {
    auto element = at(offset, end);
    if (!element)
        return fail(element.error().code, std::string(what) + ": " + element.error().detail, {},
                    element.error().native);
    if (element->tag != tag)
        return malformed(std::string(what) + " expected, but there is tag " + std::to_string(element->tag) +
                         at_offset(offset));
    return element;
}

Result<std::vector<Range>> BerScanner::octets(const BerElement& string) const {
    std::vector<Range> ranges;
    if (!string.constructed()) {
        ranges.push_back({string.content, string.content_end - string.content});
        return ranges;
    }
    // X.690 §8.7.3: the pieces are OCTET STRINGs, which may be constructed themselves.
    struct Open {
        std::uint64_t end;
        bool indefinite;
    };
    std::vector<Open> open{{string.content_end, false}};
    for (std::uint64_t at = string.content;;) {
        while (!open.empty() && !open.back().indefinite && at == open.back().end) open.pop_back();
        if (open.empty()) return ranges;
        SIGILLO_ASSIGN(const Header piece, header_at(at, open.back().end));
        at = piece.content;
        if (piece.tag == 0 && open.back().indefinite) {
            if (piece.length != 0) return malformed("end-of-contents with contents" + at_offset(at));
            open.pop_back();
            continue;
        }
        if ((piece.tag & ~kConstructed) != kDerOctetString)
            return malformed("a piece of a string is no OCTET STRING" + at_offset(at));
        if ((piece.tag & kConstructed) == 0) {
            if (ranges.size() >= limits_.max_content_segments)
                return fail(Errc::kLimitExceeded, "the content is in too many pieces");
            if (piece.length != 0) ranges.push_back({at, piece.length});
            at += piece.length;
            continue;
        }
        if (open.size() >= limits_.max_depth)
            return fail(Errc::kLimitExceeded, "strings are nested too deep");
        open.push_back({piece.indefinite ? open.back().end : at + piece.length, piece.indefinite});
    }
}

Result<BerPart> BerReader::next() {
    const MemorySource source(all_);
    SIGILLO_ASSIGN(const BerElement element, BerScanner(source, limits_).at(at_, all_.size()));
    const auto view = [&](std::uint64_t begin, std::uint64_t end) {
        return all_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    };
    at_ = static_cast<std::size_t>(element.end);
    return BerPart{element.tag, view(element.content, element.content_end), view(element.begin, element.end)};
}

Result<BerPart> BerReader::next(std::uint8_t tag, std::string_view what) {
    if (empty()) return malformed(std::string(what) + " is missing");
    auto part = next();
    if (!part) return fail(part.error().code, std::string(what) + ": " + part.error().detail);
    if (part->tag != tag)
        return malformed(std::string(what) + " expected, but there is tag " + std::to_string(part->tag));
    return part;
}

Status BerReader::finish(std::string_view what) const {
    if (!empty()) return malformed(std::string(what) + " has more than it should");
    return {};
}

Result<Bytes> ber_octets(const BerPart& string, const Limits& limits) {
    if ((string.tag & kConstructed) == 0) return to_bytes(string.content);
    const MemorySource source(string.content);
    const BerElement element{string.tag, 0, 0, string.content.size(), string.content.size()};
    SIGILLO_ASSIGN(const std::vector<Range> ranges, BerScanner(source, limits).octets(element));
    Bytes out;
    for (const Range& range : ranges)
        append(out, string.content.subspan(static_cast<std::size_t>(range.offset),
                                           static_cast<std::size_t>(range.size)));
    return out;
}

Result<std::vector<Bytes>> ber_elements(ByteView content, std::size_t most, std::string_view what,
                                        const Limits& limits) {
    std::vector<Bytes> elements;
    for (BerReader reader(content, limits); !reader.empty();) {
        if (elements.size() >= most) return fail(Errc::kLimitExceeded, "too many " + std::string(what));
        auto part = reader.next();
        if (!part) return fail(part.error().code, std::string(what) + ": " + part.error().detail);
        elements.push_back(to_bytes(part->whole));
    }
    return elements;
}

}  // namespace sigillo::cms
