#include "appliance/signing/in_flight.h"

namespace sigillo::signing {

Result<InFlight::Turn> InFlight::take_turn(ByteView call_key, std::chrono::milliseconds patience) {
    std::string key(as_text(call_key));
    std::unique_lock lock(mutex_);
    if (!ended_.wait_for(lock, patience, [&] { return !running_.contains(key); }))
        return fail(Errc::kUnavailable, "the same call is still under way");
    running_.insert(key);
    return Turn(this, std::move(key));
}

InFlight::Turn::~Turn() {
    if (owner_ == nullptr) return;
    {
        const std::lock_guard lock(owner_->mutex_);
        owner_->running_.erase(key_);
    }
    owner_->ended_.notify_all();
}

}  // namespace sigillo::signing
