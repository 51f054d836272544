#include "appliance/activation/clock_monitor.h"

#include <algorithm>
#include <string>

namespace sigillo::activation {

using std::chrono::milliseconds;

ClockMonitor::ClockMonitor(ClockMonitorConfig config, const Clock& clock)
    : config_(config), clock_(clock), expected_(offset()), checked_(clock.boot_now()) {}

milliseconds ClockMonitor::offset() const {
    return clock_.now().time_since_epoch() - clock_.boot_now();
}

Status ClockMonitor::check() {
    const std::lock_guard lock(mutex_);
    const BootTime now = clock_.boot_now();
    const milliseconds seen = offset();
    const milliseconds slew((now - checked_).count() * config_.slew_ppm / 1'000'000);
    const milliseconds difference = seen - expected_;
    const bool jumped = std::chrono::abs(difference) > config_.tolerance + slew;
    checked_ = now;
    if (jumped) {
        // Whatever it shows now must stand still for a while before it is believed.
        trusted_ = false;
        jumped_ = now;
        expected_ = seen;
    } else {
        // Follows a slewing clock, but no faster than a kernel slews: many small steps add up to a jump.
        expected_ += std::clamp(difference, -slew, slew);
        if (!trusted_ && now - jumped_ >= config_.settle) trusted_ = true;
    }
    if (trusted_) return {};
    return fail(Errc::kClockUntrusted, "the clock jumped " + std::to_string((now - jumped_).count() / 1'000) +
                                           " s ago: it is trusted again when it has run evenly for " +
                                           std::to_string(config_.settle.count()) + " s");
}

}  // namespace sigillo::activation
