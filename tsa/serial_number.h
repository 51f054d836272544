// Serial numbers of time-stamp tokens: unique across crashes, restarts, restored backups and nodes, without a
// counter on disk. RFC 3161 §2.4.2: "an integer assigned by the TSA … MUST be unique for each TimeStampToken
// issued by a given TSA …, even after a possible interruption (e.g., crash)", and at most 160 bits.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "appliance/base/random.h"

namespace sigillo::tsa {

// 0x01 ‖ node (2) ‖ random, drawn at start (8) ‖ counter (8), big-endian: content octets of a positive
// INTEGER of 152 bits in its shortest form.
using SerialNumber = std::array<std::uint8_t, 19>;

// Thread-safe. Two starts of one node draw the same 64 bits with a probability of 2^-64 for each pair.
class SerialNumbers {
 public:
    // `node`: different on each machine that runs this TSA; the operator sees to it.
    SerialNumbers(std::uint16_t node, Random& random);
    SerialNumber next();
    // Of this start, counter 0: never given to a token; for the log.
    const SerialNumber& first() const { return base_; }

 private:
    SerialNumber base_{};
    std::atomic<std::uint64_t> counter_{0};
};

}  // namespace sigillo::tsa
