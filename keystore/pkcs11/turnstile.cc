#include "keystore/pkcs11/turnstile.h"

#include <algorithm>

namespace sigillo::pkcs11 {

Turnstile::Turnstile(std::size_t places) : places_(places) {
    free_.reserve(places);
    for (std::size_t index = places; index > 0; --index) free_.push_back(index - 1);
}

Turnstile::Pass Turnstile::take(CallKind kind) {
    const std::size_t index = free_.back();
    free_.pop_back();
    places_[index] = {true, kind, SteadyClock::now()};
    return Pass(this, index);
}

Result<Turnstile::Pass> Turnstile::enter(std::chrono::milliseconds wait, CallKind kind) {
    std::unique_lock lock(mutex_);
    if (free_.empty()) {
        ++waiting_;
        const bool got =
            freed_.wait_until(lock, SteadyClock::now() + wait, [this] { return !free_.empty(); });
        --waiting_;
        if (!got)
            return fail(Errc::kUnavailable,
                        "no HSM session came free within " + std::to_string(wait.count()) + " ms");
    }
    return take(kind);
}

std::optional<Turnstile::Pass> Turnstile::try_enter(CallKind kind) {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::nullopt;
    return take(kind);
}

void Turnstile::leave(std::size_t index) {
    bool wanted = false;
    {
        const std::lock_guard lock(mutex_);
        places_[index].taken = false;
        free_.push_back(index);
        wanted = waiting_ > 0;
    }
    if (wanted) freed_.notify_one();
}

Turnstile::Usage Turnstile::usage() const {
    using std::chrono::milliseconds;
    const auto now = SteadyClock::now();
    const std::lock_guard lock(mutex_);
    Usage usage;
    usage.waiting = waiting_;
    for (const Place& place : places_) {
        if (!place.taken) continue;
        ++usage.busy;
        const auto age = std::chrono::duration_cast<milliseconds>(now - place.since);
        usage.oldest = std::max(usage.oldest, age);
        auto& of_kind = place.kind == CallKind::kShort ? usage.oldest_short : usage.oldest_generation;
        of_kind = std::max(of_kind, age);
    }
    return usage;
}

}  // namespace sigillo::pkcs11
