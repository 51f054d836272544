// Reading BER (X.690 §8) of strangers: definite and indefinite lengths, strings in pieces. Nothing recurses;
// depth, number of elements and of pieces are bounded by Limits.
//
// BerScanner works on a source of any size and says where things are; BerReader walks bytes in memory.
// Errors: kInvalidArgument or kLimitExceeded, without `field`: the caller knows what he reads.
#pragma once

#include "api/documents/cms/io.h"
#include "api/documents/cms/limits.h"

namespace sigillo::cms {

// Single-octet tags alone: CMS has no others.
struct BerElement {
    std::uint8_t tag = 0;
    std::uint64_t begin = 0;        // of the tag
    std::uint64_t content = 0;      // of the contents
    std::uint64_t content_end = 0;  // behind the contents
    std::uint64_t end = 0;          // behind the element, end-of-contents octets included

    bool constructed() const { return (tag & 0x20U) != 0; }
    std::uint64_t size() const { return end - begin; }
};

class BerScanner {
 public:
    // Both must outlive the scanner.
    BerScanner(const ByteSource& source, const Limits& limits) : source_(source), limits_(limits) {}

    // The element at `offset`, which ends at `end` at the latest.
    Result<BerElement> at(std::uint64_t offset, std::uint64_t end) const;
    // The same, and it must have this tag.
    Result<BerElement> expect(std::uint8_t tag, std::uint64_t offset, std::uint64_t end,
                              std::string_view what) const;
    // The octets of an OCTET STRING, primitive or constructed: where they are, in order.
    Result<std::vector<Range>> octets(const BerElement& string) const;

 private:
    struct Header {
        std::uint8_t tag = 0;
        std::uint64_t content = 0;
        std::uint64_t length = 0;
        bool indefinite = false;
    };
    Result<Header> header_at(std::uint64_t offset, std::uint64_t end) const;
    Result<std::uint64_t> end_of_contents(std::uint64_t offset, std::uint64_t end) const;

    const ByteSource& source_;
    const Limits& limits_;
};

struct BerPart {
    std::uint8_t tag = 0;
    ByteView content;
    ByteView whole;
};

// Not thread-safe; the bytes and the limits must outlive it.
class BerReader {
 public:
    BerReader(ByteView content, const Limits& limits) : all_(content), limits_(limits) {}
    bool empty() const { return at_ == all_.size(); }
    bool next_is(std::uint8_t tag) const { return !empty() && all_[at_] == tag; }
    Result<BerPart> next();
    Result<BerPart> next(std::uint8_t tag, std::string_view what);
    // kInvalidArgument when something is left.
    Status finish(std::string_view what) const;

 private:
    ByteView all_;
    std::size_t at_ = 0;
    const Limits& limits_;
};

// The octets of an OCTET STRING in memory; tag 0x04 or 0x24, or any tag whose 0x20 bit says the same.
Result<Bytes> ber_octets(const BerPart& string, const Limits& limits);
// Each element of a SET or SEQUENCE, whole; at most `most` of them.
Result<std::vector<Bytes>> ber_elements(ByteView content, std::size_t most, std::string_view what,
                                        const Limits& limits);

}  // namespace sigillo::cms
