// Notices a wall clock that jumps: OTP steps and click evidence are only as good as it.
//
// CLOCK_REALTIME is held against CLOCK_BOOTTIME. Their difference may drift as slowly as the kernel slews
// (500 ppm); a step beyond the tolerance makes the clock untrusted until the difference has stood still for a
// while. Recovery needs nobody: a spent OTP step stays spent whatever the clock says. check() should be
// called every few seconds (sigillod's housekeeping does, besides every activation): the longer the pause,
// the larger the drift that it must allow. Thread-safe.
#pragma once

#include <chrono>
#include <mutex>

#include "appliance/base/clock.h"
#include "appliance/base/result.h"

namespace sigillo::activation {

struct ClockMonitorConfig {
    std::chrono::milliseconds tolerance{
        2'000};                       // chronyd steps no more once it is synchronised; reads take < 1 ms
    std::chrono::seconds settle{60};  // two TOTP periods without another jump
    std::int64_t slew_ppm = 500;      // the kernel's limit (adjtimex)
};

class ClockMonitor {
 public:
    // `clock` outlives it and is trusted now.
    ClockMonitor(ClockMonitorConfig config, const Clock& clock);
    // kClockUntrusted while a jump is not over.
    Status check();

 private:
    std::chrono::milliseconds offset() const;

    const ClockMonitorConfig config_;
    const Clock& clock_;
    std::mutex mutex_;
    // Guarded by mutex_.
    std::chrono::milliseconds expected_;  // wall time minus boot time
    BootTime checked_;                    // when expected_ was last brought up to date
    bool trusted_ = true;
    BootTime jumped_{0};  // when the last jump was seen, unless trusted_
};

}  // namespace sigillo::activation
