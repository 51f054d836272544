// A strict reader of DER (X.690 §10): definite lengths in their shortest form, single-octet tags. For the few
// structures that libcrypto has no parser of. Views into the caller's bytes; not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "appliance/base/bytes.h"

namespace sigillo {

inline constexpr std::uint8_t kDerBitString = 0x03;
inline constexpr std::uint8_t kDerObjectIdentifier = 0x06;
inline constexpr std::uint8_t kDerPrintableString = 0x13;
inline constexpr std::uint8_t kDerSequence = 0x30;

struct DerElement {
    std::uint8_t tag = 0;
    ByteView content;
    ByteView whole;  // tag and length included
};

class DerReader {
 public:
    explicit DerReader(ByteView bytes) : rest_(bytes) {}
    bool at_end() const { return rest_.empty(); }
    // The next element, or nothing when what follows is not DER. Reads on after it.
    std::optional<DerElement> next();
    // The same, and nothing too when it has another tag.
    std::optional<ByteView> next(std::uint8_t tag);

 private:
    ByteView rest_;
};

// "0.4.0.1862.1.1" of the content of an OBJECT IDENTIFIER; nothing when it is malformed, longer than 64
// octets or has an arc beyond 32 bits.
std::optional<std::string> dotted_oid(ByteView content);

}  // namespace sigillo
