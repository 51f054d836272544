#include "appliance/signing/in_flight.h"

namespace sigillo::signing {

Result<InFlight::Turn> InFlight::take_turn(ByteView call_key) {
    std::string key(as_text(call_key));
    std::unique_lock lock(mutex_);
    Call& call = calls_[key];  // stays where it is: std::map, and erased only when nobody is at it
    if (call.running) {
        if (call.waiting >= waiters_)
            return fail(Errc::kUnavailable, "the same call is under way, and enough retries wait for it");
        ++call.waiting;
        const bool free = ended_.wait_for(lock, patience_, [&] { return !call.running; });
        --call.waiting;
        if (!free) return fail(Errc::kUnavailable, "the same call is still under way");
    }
    call.running = true;
    return Turn(this, std::move(key));
}

InFlight::Turn::~Turn() {
    if (owner_ == nullptr) return;
    {
        const std::lock_guard lock(owner_->mutex_);
        const auto call = owner_->calls_.find(key_);
        call->second.running = false;
        if (call->second.waiting == 0) {
            owner_->calls_.erase(call);
            return;
        }
    }
    owner_->ended_.notify_all();
}

}  // namespace sigillo::signing
