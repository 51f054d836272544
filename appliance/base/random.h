// Randomness, passed in. Thread-safe.
#pragma once

#include <cstdint>
#include <span>

#include "appliance/base/bytes.h"
#include "appliance/base/secret.h"

namespace sigillo {

class Random {
 public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;

    Bytes bytes(std::size_t size) {
        Bytes out(size);
        fill(out);
        return out;
    }
    SecretBytes secret(std::size_t size) {
        SecretBytes out(size);
        fill(out.expose_mutable());
        return out;
    }
};

// libcrypto's DRBG, seeded by the kernel. A failure to seed ends the process: nothing may go on
// with predictable secrets.
class SystemRandom final : public Random {
 public:
    void fill(std::span<std::uint8_t> out) override;
};

}  // namespace sigillo
