#include "tsa/time_judge.h"

#include <algorithm>
#include <array>

namespace sigillo::tsa {
namespace {

// One second, and what being late with looking may add.
constexpr Microseconds kLeapStep = std::chrono::milliseconds(1'100);

std::string milliseconds_text(Microseconds time) {
    return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()) + " ms";
}

// The end of the UTC day that is nearest: within twelve hours before or after.
PreciseTime nearest_midnight(PreciseTime now) {
    return std::chrono::floor<std::chrono::days>(now + std::chrono::hours(12));
}
PreciseTime next_midnight(PreciseTime now) {
    return std::chrono::floor<std::chrono::days>(now) + std::chrono::days(1);
}

}  // namespace

std::string_view time_state_name(TimeState state) {
    static constexpr std::array<std::string_view, kTimeStates> kNames{
        "trusted",         "starting",        "unsynchronised", "invented_error", "no_daemon",
        "too_few_sources", "error_too_large", "jumped",         "leap_second",    "no_verdict"};
    const auto index = static_cast<std::size_t>(state);
    return index < kNames.size() ? kNames[index] : "";
}

// Announcements may be withdrawn, and some servers repeat theirs for a while after the second: one that comes
// just after the end of a day with a leap second is of that one.
void TimeJudge::note_leap(const TimeObservation& seen) {
    const PreciseTime now = seen.clock.real;
    LeapNotice announced = LeapNotice::kNone;
    if (seen.daemon) announced = seen.daemon->leap;
    if (seen.kernel && seen.kernel->leap != LeapNotice::kNone) announced = seen.kernel->leap;
    const bool running = seen.kernel && seen.kernel->leap_running;
    if (in_leap(now)) return;
    if (running) {
        // Nobody had announced it to us.
        leap_ = LeapNotice::kInsert;
        leap_at_ = nearest_midnight(now);
    } else if (announced == LeapNotice::kNone) {
        leap_ = LeapNotice::kNone;
        leap_at_.reset();
    } else {
        leap_ = announced;
        leap_at_ = next_midnight(now);
    }
}

bool TimeJudge::in_leap(PreciseTime now) const {
    return leap_at_ && now >= *leap_at_ - rules_.leap_before && now <= *leap_at_ + rules_.leap_after;
}

// By how much the clock was stepped since the last look, if it was.
std::optional<Microseconds> TimeJudge::step(const ClockReading& clock) {
    const Microseconds offset = clock.real.time_since_epoch() - clock.boot;
    if (!offset_) offset_ = offset;
    const Microseconds step = offset - *offset_;
    if (std::chrono::abs(step) <= rules_.jump_limit) return std::nullopt;
    offset_ = offset;
    return step;
}

TimeStatus TimeJudge::judge(const TimeObservation& seen) {
    const ClockReading& clock = seen.clock;
    TimeStatus status;
    const auto say = [&](TimeState state, std::string reason) {
        status.state = state;
        status.reason = std::move(reason);
        return status;
    };
    if (seen.sources) status.sources = seen.sources->usable;
    if (seen.kernel && seen.daemon) status.error = std::max(seen.kernel->max_error, seen.daemon->error());

    note_leap(seen);
    if (const auto stepped = step(clock)) {
        const std::string text = "the clock was stepped by " +
                                 std::string(*stepped > Microseconds::zero() ? "+" : "-") +
                                 milliseconds_text(std::chrono::abs(*stepped));
        // A leap second is a step of one second: expected, to be recorded, and over with leap_after.
        if (in_leap(clock.real) && std::chrono::abs(*stepped) <= kLeapStep) {
            leap_taken_ = "leap second: " + text;
        } else {
            held_until_ = clock.boot + rules_.jump_hold;
            held_for_ = text;
        }
    }
    if (!in_leap(clock.real)) leap_taken_.clear();
    if (leap_at_)
        status.announcement = !leap_taken_.empty() ? leap_taken_
                              : leap_ == LeapNotice::kDelete
                                  ? "leap second: one is deleted at the end of the UTC day"
                                  : "leap second: one is inserted at the end of the UTC day";

    if (!seen.kernel) return say(TimeState::kUnsynchronised, to_string(seen.kernel.error()));
    if (!seen.kernel->synchronised)
        return say(TimeState::kUnsynchronised, "the kernel's clock is not synchronised");
    // systemd-timesyncd leaves the maximum error at zero; nothing that measures ever does.
    if (seen.kernel->max_error <= Microseconds::zero())
        return say(TimeState::kInvented, "the kernel's maximum error is 0: not chronyd keeps this clock");
    if (!seen.daemon) return say(TimeState::kNoDaemon, to_string(seen.daemon.error()));
    if (!seen.daemon->synchronised) return say(TimeState::kUnsynchronised, "chronyd is not synchronised");
    if (!seen.sources) return say(TimeState::kNoDaemon, to_string(seen.sources.error()));
    if (seen.sources->usable < rules_.min_sources)
        return say(TimeState::kTooFewSources, "chronyd has " + std::to_string(seen.sources->usable) +
                                                  " usable sources, " + std::to_string(rules_.min_sources) +
                                                  " are wanted");
    if (status.error > rules_.max_error)
        return say(TimeState::kErrorTooLarge, "the clock may be off by " + milliseconds_text(status.error) +
                                                  ", " + milliseconds_text(rules_.max_error) +
                                                  " are allowed");
    if (in_leap(clock.real) || seen.kernel->leap_running)
        return say(TimeState::kLeapSecond, status.announcement);
    if (clock.boot < held_until_)
        return say(TimeState::kJumped, held_for_ + "; it must stay good for " +
                                           milliseconds_text(held_until_ - clock.boot) + " more");
    return say(TimeState::kTrusted, {});
}

}  // namespace sigillo::tsa
