// A clock that moves only when told. Thread-safe.
#pragma once

#include <atomic>
#include <string>

#include "appliance/base/clock.h"

namespace sigillo::testing {

class ManualClock final : public Clock {
 public:
    explicit ManualClock(WallTime start = from_unix_millis(1'800'000'000'000)) : wall_(unix_millis(start)) {}
    WallTime now() const override { return from_unix_millis(wall_.load()); }
    BootTime boot_now() const override { return BootTime(boot_.load()); }
    const std::string& boot_id() const override { return boot_id_; }

    // Time passes: both clocks move.
    void advance(std::chrono::milliseconds by) {
        wall_ += by.count();
        boot_ += by.count();
    }
    // Somebody sets the wall clock: boot time goes on as it was.
    void set_wall(WallTime time) { wall_ = unix_millis(time); }
    void reboot(std::string id) {
        boot_id_ = std::move(id);
        boot_ = 0;
    }

 private:
    std::atomic<std::int64_t> wall_;
    std::atomic<std::int64_t> boot_{1'000'000};
    std::string boot_id_ = "11111111-1111-4111-8111-111111111111";
};

}  // namespace sigillo::testing
