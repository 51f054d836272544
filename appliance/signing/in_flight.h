// Identical signHash calls take turns: a retry that arrives while the first call is under way waits for it
// and then finds its signatures in the store, instead of spending anything.
//
// Thread-safe. Turns are per process; across a crash the store's open Intents decide (reconcile.h).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::signing {

class InFlight {
 public:
    // Held while a call runs; the next in line is woken when it is destroyed.
    class Turn {
     public:
        Turn(Turn&& other) noexcept : owner_(other.owner_), key_(std::move(other.key_)) {
            other.owner_ = nullptr;
        }
        Turn& operator=(Turn&&) = delete;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn();

     private:
        friend class InFlight;
        Turn(InFlight* owner, std::string key) : owner_(owner), key_(std::move(key)) {}
        InFlight* owner_;
        std::string key_;
    };

    // `waiters`: that wait for one call at once, each a thread; more are refused at once. `patience`: for how
    // long.
    InFlight(std::size_t waiters, std::chrono::milliseconds patience)
        : waiters_(waiters), patience_(patience) {}

    // kUnavailable when enough wait already, or when the call before has not ended in time.
    Result<Turn> take_turn(ByteView call_key);

 private:
    struct Call {
        bool running = false;
        std::size_t waiting = 0;
    };

    const std::size_t waiters_;
    const std::chrono::milliseconds patience_;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::map<std::string, Call, std::less<>> calls_;  // guarded by mutex_; only those that somebody is at
};

}  // namespace sigillo::signing
