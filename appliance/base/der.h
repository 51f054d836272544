// DER (X.690): a strict reader and a writer, over bytes, without libcrypto's ASN.1.
//
// The reader is for untrusted input. It accepts exactly one spelling: single-octet tags, definite lengths in
// their shortest form, contents that end inside what encloses them. It does not recurse: whoever reads
// descends as far as the structure that he expects, so that nesting costs nothing. Pure data; not
// thread-safe, reentrant.
#pragma once

#include <cstdint>
#include <optional>

#include "appliance/base/bytes.h"

namespace sigillo {

// X.690 §8.1.2: universal tags, constructed bit included where DER has it.
inline constexpr std::uint8_t kDerBoolean = 0x01;
inline constexpr std::uint8_t kDerInteger = 0x02;
inline constexpr std::uint8_t kDerBitString = 0x03;
inline constexpr std::uint8_t kDerOctetString = 0x04;
inline constexpr std::uint8_t kDerNull = 0x05;
inline constexpr std::uint8_t kDerOid = 0x06;
inline constexpr std::uint8_t kDerUtf8String = 0x0C;
inline constexpr std::uint8_t kDerPrintableString = 0x13;
inline constexpr std::uint8_t kDerUtcTime = 0x17;
inline constexpr std::uint8_t kDerGeneralizedTime = 0x18;
inline constexpr std::uint8_t kDerSequence = 0x30;
inline constexpr std::uint8_t kDerSet = 0x31;
constexpr std::uint8_t der_context(std::uint8_t number) {  // [n], constructed
    return static_cast<std::uint8_t>(0xA0U | number);
}
constexpr std::uint8_t der_context_primitive(std::uint8_t number) {  // [n] IMPLICIT of a primitive type
    return static_cast<std::uint8_t>(0x80U | number);
}

struct DerElement {
    std::uint8_t tag = 0;
    ByteView content;
    ByteView whole;  // tag, length and content
};

class DerReader {
 public:
    explicit DerReader(ByteView der) : rest_(der) {}

    bool empty() const { return rest_.empty(); }
    bool next_is(std::uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }
    // Nothing, and the reader stays, at the end and where the bytes are not DER.
    std::optional<DerElement> next();
    // … and where the next element has another tag.
    std::optional<DerElement> next(std::uint8_t tag);

 private:
    ByteView rest_;
};

// X.690 §8.3.2: an INTEGER's content, either sign, in the shortest form.
bool is_der_integer(ByteView content);
// X.690 §8.19.2: an OBJECT IDENTIFIER's content, each arc in the shortest form.
bool is_der_oid(ByteView content);

// Writes from the end to the beginning: an element's length is then known when its header is due. So calls
// come in the reverse of the order in which the result is read.
class DerWriter {
 public:
    // `capacity`: octets that the result will take at most, for one allocation. More is allowed.
    explicit DerWriter(std::size_t capacity) : buffer_(capacity), begin_(capacity) {}

    // Octets written so far; what a later close() is given.
    std::size_t written() const { return buffer_.size() - begin_; }
    DerWriter& raw(ByteView bytes);
    DerWriter& byte(std::uint8_t value) { return raw({&value, 1}); }
    // Tag, length and `content`.
    DerWriter& element(std::uint8_t tag, ByteView content);
    // Makes all that was written since written() was `mark` the content of an element.
    DerWriter& close(std::uint8_t tag, std::size_t mark);
    // A non-negative INTEGER.
    DerWriter& integer(std::uint64_t value, std::uint8_t tag = kDerInteger);

    ByteView view() const { return ByteView(buffer_).subspan(begin_); }
    Bytes finish() const { return to_bytes(view()); }

 private:
    void header(std::uint8_t tag, std::size_t length);
    Bytes buffer_;
    std::size_t begin_;
};

}  // namespace sigillo
