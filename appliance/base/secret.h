// Bytes that must not leak: PINs, OTP seeds, SADs, derived keys.
//
// Move-only; cleansed before it is freed. Paging and core dumps are kept off for the whole process
// (hardening/: mlockall, PR_SET_DUMPABLE), not buffer by buffer. No operator<<, no JSON, no implicit view:
// every read is a call to expose(), so that all reads can be found with grep. Not thread-safe; const access
// may be shared.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "appliance/base/bytes.h"

namespace sigillo {

class SecretBytes {
 public:
    SecretBytes() = default;
    explicit SecretBytes(std::size_t size);  // zero-filled
    static SecretBytes copy_of(ByteView bytes);
    static SecretBytes copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    SecretBytes(const SecretBytes&) = delete;  // a secret has one owner
    SecretBytes& operator=(const SecretBytes&) = delete;
    ~SecretBytes();

    ByteView expose() const { return {data_, size_}; }
    std::span<std::uint8_t> expose_mutable() { return {data_, size_}; }
    SecretBytes clone() const { return copy_of(expose()); }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    bool equals(ByteView other) const { return equal_constant_time(expose(), other); }

 private:
    void release() noexcept;
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

// Overwrites a secret that a library handed over in its own string type.
void cleanse(std::string& text);
void cleanse(Bytes& bytes);

}  // namespace sigillo
