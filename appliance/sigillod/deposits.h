// Prepared documents that wait for their signDocuments call: sealed memfds, each under a random name.
//
// A deposit belongs to whoever knows its name (the front end alone can connect); it serves one call, and is
// gone after its lifetime. The memory is the depositor's until a digest is made of it; what is bounded here
// is how much of it we keep alive. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>

#include "appliance/base/clock.h"
#include "appliance/base/file.h"
#include "appliance/base/random.h"
#include "appliance/base/result.h"

namespace sigillo {

struct DepositsConfig {
    // Deposits at once. One is taken up within milliseconds by the call that it was made for.
    std::size_t count = 256;
    // Bytes of one. A document of 100 MiB, and a revision with images and fonts.
    std::uint64_t bytes_each = std::uint64_t{128} << 20;
    // Bytes of all. They are memory of the machine: ten of the largest.
    std::uint64_t bytes_total = std::uint64_t{1'280} << 20;
    // A front end that has not called by then never will; long enough for a queue at full load.
    std::chrono::seconds lifetime{60};
};

class Deposits {
 public:
    // Both references outlive it.
    Deposits(DepositsConfig config, const Clock& clock, Random& random)
        : config_(config), clock_(clock), random_(random) {}

    // Its name, 16 random bytes. kInvalidArgument "deposit" (not sealed memory, or empty), kLimitExceeded
    // "deposit" (larger than one may be), kUnavailable (too many, or too much together).
    Result<Bytes> put(UniqueFd fd);

    struct Deposit {
        UniqueFd fd;
        std::uint64_t size = 0;
    };
    // Takes it out. kNotFound "deposit": unknown, taken before, or expired.
    Result<Deposit> take(ByteView name);

    // Forgets those that nobody took. To be called every few seconds; put() does too.
    void forget_expired();

    std::chrono::seconds lifetime() const { return config_.lifetime; }
    struct Content {
        std::size_t count = 0;
        std::uint64_t bytes = 0;
        std::uint64_t forgotten = 0;  // that nobody took, ever
    };
    Content content() const;

 private:
    struct Kept {
        Deposit deposit;
        BootTime until;
    };
    void forget_expired_locked(std::vector<UniqueFd>& closed);

    const DepositsConfig config_;
    const Clock& clock_;
    Random& random_;
    mutable std::mutex mutex_;
    // Guarded by mutex_.
    std::map<Bytes, Kept> kept_;
    std::uint64_t bytes_ = 0;
    std::uint64_t forgotten_ = 0;
};

}  // namespace sigillo
