#include "appliance/base/random.h"

#include <openssl/rand.h>

#include <cstdlib>

namespace sigillo {

void SystemRandom::fill(std::span<std::uint8_t> out) {
    if (!out.empty() && RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
}

}  // namespace sigillo
