// Base64 (RFC 4648 §4) in pieces, for documents that are never in memory whole. Strict, as base/encoding.h
// is: no white space, padding where it belongs, no stray bits. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "appliance/base/bytes.h"

namespace sigillo::api::documents {

class Base64Decoder {
 public:
    // Appends to `out` what `text` completes; false, and from then on always, when it cannot be base64.
    bool feed(std::string_view text, Bytes& out);
    // Whether what was fed is a whole base64 text.
    bool finish() const { return good_ && pending_ == 0; }

 private:
    bool take_rest(std::string_view& text, Bytes& out);
    std::uint32_t bits_ = 0;
    unsigned pending_ = 0;  // characters of the group that is not complete, padding included
    unsigned padding_ = 0;
    bool good_ = true;
};

class Base64Encoder {
 public:
    void feed(ByteView bytes, std::string& out);
    void finish(std::string& out);

 private:
    std::uint8_t kept_[3] = {};
    std::size_t count_ = 0;
};

// Characters that `bytes` become.
constexpr std::uint64_t base64_size(std::uint64_t bytes) {
    return (bytes + 2) / 3 * 4;
}

}  // namespace sigillo::api::documents
