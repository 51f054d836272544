// A bounded number of places in the HSM, and a bounded wait for one of them. Knows nothing of PKCS#11.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "appliance/base/result.h"

namespace sigillo::pkcs11 {

enum class CallKind { kShort, kGeneration };

// Thread-safe. Time is the steady clock's: it is what the waiting itself is measured by.
class Turnstile {
 public:
    // A place taken; left on destruction. Move-only. The turnstile must outlive it.
    class Pass {
     public:
        Pass(Pass&& other) noexcept : of_(std::exchange(other.of_, nullptr)), index_(other.index_) {}
        Pass& operator=(Pass&& other) noexcept {
            std::swap(of_, other.of_);
            std::swap(index_, other.index_);
            return *this;
        }
        ~Pass() {
            if (of_ != nullptr) of_->leave(index_);
        }
        std::size_t index() const { return index_; }  // 0 … places − 1, this holder's alone

     private:
        friend class Turnstile;
        Pass(Turnstile* of, std::size_t index) : of_(of), index_(index) {}
        Turnstile* of_;
        std::size_t index_;
    };

    struct Usage {
        std::size_t busy = 0;
        std::size_t waiting = 0;
        std::chrono::milliseconds oldest{0};             // age of the oldest pass
        std::chrono::milliseconds oldest_short{0};       // … among the short calls
        std::chrono::milliseconds oldest_generation{0};  // … among the key generations
    };

    explicit Turnstile(std::size_t places);
    // kUnavailable when no place is free within `wait`.
    Result<Pass> enter(std::chrono::milliseconds wait, CallKind kind);
    std::optional<Pass> try_enter(CallKind kind);
    Usage usage() const;
    std::size_t places() const { return places_.size(); }

 private:
    using SteadyClock = std::chrono::steady_clock;
    struct Place {
        bool taken = false;
        CallKind kind = CallKind::kShort;
        SteadyClock::time_point since{};
    };
    Pass take(CallKind kind);  // mutex_ held, free_ not empty
    void leave(std::size_t index);

    mutable std::mutex mutex_;
    std::condition_variable freed_;  // what follows is guarded by mutex_
    std::vector<Place> places_;
    std::vector<std::size_t> free_;  // last in, first out: the session used last is the likeliest to be warm
    std::size_t waiting_ = 0;
};

}  // namespace sigillo::pkcs11
