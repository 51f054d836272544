// Whether the clock can be trusted now: the rules alone, over what was read. No threads, no system calls.
//
// EN 319 421 §7.7.2: the TSU's clock shall be synchronised with UTC within the declared accuracy; drift and
// jumps out of it shall be detected, and then no token shall be issued; a leap second is taken in the last
// minute of the day for which it is announced, and recorded.
#pragma once

#include <optional>

#include "tsa/kernel_clock.h"
#include "tsa/time_daemon.h"
#include "tsa/time_source.h"

namespace sigillo::tsa {

struct TimeRules {
    // What the clock may be off: the stated accuracy less genTime's resolution.
    Microseconds max_error{900'000};
    // Sources of the time daemon. With three, one that lies is outvoted.
    unsigned min_sources = 3;
    // A difference of CLOCK_REALTIME to CLOCK_BOOTTIME that changes by more was a step: slewing moves both
    // alike. 50 ms is far above what being preempted between two readings makes, and far below the accuracy.
    Microseconds jump_limit{50'000};
    // For how long after a jump all else must be good. Two polls of a time daemon's iburst; an operator who
    // sets the clock by hand has put it right by then.
    std::chrono::milliseconds jump_hold{10'000};
    // Around the end of a day that has a leap second: its last minute, and until the daemon has looked at the
    // time again.
    std::chrono::seconds leap_before{60};
    std::chrono::seconds leap_after{10};
};

// What one look at the clock found.
struct TimeObservation {
    ClockReading clock;
    Result<KernelDiscipline> kernel;
    Result<DaemonTracking> daemon;
    Result<DaemonSources> sources;
};

// Not thread-safe.
class TimeJudge {
 public:
    explicit TimeJudge(TimeRules rules) : rules_(rules) {}

    TimeStatus judge(const TimeObservation& seen);

    // What CLOCK_REALTIME is ahead of CLOCK_BOOTTIME, as long as it has not jumped.
    std::optional<Microseconds> offset() const { return offset_; }

 private:
    void note_leap(const TimeObservation& seen);
    bool in_leap(PreciseTime now) const;
    std::optional<Microseconds> step(const ClockReading& clock);

    const TimeRules rules_;
    std::optional<Microseconds> offset_;
    Microseconds held_until_{0};  // boot time
    std::string held_for_;
    std::optional<PreciseTime> leap_at_;  // end of the day that has one
    LeapNotice leap_ = LeapNotice::kNone;
    std::string leap_taken_;  // how the clock was stepped for it
};

}  // namespace sigillo::tsa
