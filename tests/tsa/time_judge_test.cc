// CHECKS 37, the rules alone: NTP lost, error too large, jumps, leap seconds. Time is the test's.
#include <gtest/gtest.h>

#include "tsa/time_judge.h"

namespace sigillo::tsa {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

constexpr PreciseTime kNoon = sys_days(std::chrono::year(2026) / 6 / 30) + 12h;
constexpr PreciseTime kMidnight = sys_days(std::chrono::year(2026) / 7 / 1);

// A clock in good order, to be put out of it.
struct Good {
    PreciseTime real = kNoon;
    Microseconds boot = 1000s;
    Result<KernelDiscipline> kernel{KernelDiscipline{true, 20ms, LeapNotice::kNone, false}};
    Result<DaemonTracking> daemon{DaemonTracking{true, LeapNotice::kNone, 1ms, 10ms, 5ms}};
    Result<DaemonSources> sources{DaemonSources{4, 4}};

    TimeStatus judged_by(TimeJudge& judge) const {
        return judge.judge({{real, boot}, kernel, daemon, sources});
    }
    Good& pass(Microseconds time) {
        real += time;
        boot += time;
        return *this;
    }
};

std::unexpected<Error> gone() {
    return fail(Errc::kUnavailable, "chronyd has not answered");
}

TEST(TimeJudge, TrustsAClockInGoodOrder) {
    TimeJudge judge({});
    const TimeStatus status = Good().judged_by(judge);
    EXPECT_EQ(status.state, TimeState::kTrusted);
    EXPECT_EQ(status.reason, "");
    EXPECT_EQ(status.error, Microseconds(20ms));  // the larger of the kernel's and the daemon's
    EXPECT_EQ(status.sources, 4u);
}

TEST(TimeJudge, SaysWhyNot) {
    const auto expect = [](TimeState state, const std::function<void(Good&)>& change) {
        TimeJudge judge({});
        Good seen;
        change(seen);
        const TimeStatus status = seen.judged_by(judge);
        EXPECT_EQ(time_state_name(status.state), time_state_name(state));
        EXPECT_FALSE(status.reason.empty());
    };
    expect(TimeState::kUnsynchronised, [](Good& seen) { seen.kernel->synchronised = false; });
    expect(TimeState::kUnsynchronised, [](Good& seen) { seen.kernel = gone(); });
    expect(TimeState::kUnsynchronised, [](Good& seen) { seen.daemon->synchronised = false; });
    expect(TimeState::kInvented, [](Good& seen) { seen.kernel->max_error = 0us; });
    expect(TimeState::kNoDaemon, [](Good& seen) { seen.daemon = gone(); });
    expect(TimeState::kNoDaemon, [](Good& seen) { seen.sources = gone(); });
    expect(TimeState::kTooFewSources, [](Good& seen) { seen.sources->usable = 2; });
    expect(TimeState::kErrorTooLarge, [](Good& seen) { seen.kernel->max_error = 901ms; });
    expect(TimeState::kErrorTooLarge, [](Good& seen) { seen.daemon->root_dispersion = 895ms; });
    expect(TimeState::kErrorTooLarge, [](Good& seen) { seen.daemon->correction = 900ms; });
    expect(TimeState::kErrorTooLarge, [](Good& seen) { seen.daemon->root_delay = 1800ms; });
}

TEST(TimeJudge, JumpsOfTwoSecondsAreHeldAgainstTheClockForAWhile) {
    for (const Microseconds jump : {Microseconds(2s), Microseconds(-2s), Microseconds(51ms),
                                    Microseconds(-51ms), Microseconds(86'400s), Microseconds(-86'400s)}) {
        TimeJudge judge({});
        Good seen;
        EXPECT_EQ(seen.judged_by(judge).state, TimeState::kTrusted);
        seen.pass(200ms).real += jump;
        EXPECT_EQ(seen.judged_by(judge).state, TimeState::kJumped);
        EXPECT_NE(seen.judged_by(judge).reason.find("stepped by"), std::string::npos);
        EXPECT_EQ(seen.pass(9'900ms).judged_by(judge).state, TimeState::kJumped);
        EXPECT_EQ(seen.pass(100ms).judged_by(judge).state, TimeState::kTrusted);
        EXPECT_EQ(seen.pass(3600s).judged_by(judge).state, TimeState::kTrusted);
    }
}

TEST(TimeJudge, SmallStepsAddUp) {
    TimeJudge judge({});
    Good seen;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kTrusted);
    seen.pass(1s).real += 30ms;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kTrusted);
    seen.pass(1s).real += 30ms;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kJumped);
}

TEST(TimeJudge, JumpIsHeldEvenIfItCameWhileOtherwiseBad) {
    TimeJudge judge({});
    Good seen;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kTrusted);
    seen.daemon = gone();
    seen.pass(1s).real += 5s;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kNoDaemon);
    seen.daemon = Good().daemon;
    EXPECT_EQ(seen.pass(1s).judged_by(judge).state, TimeState::kJumped);
    EXPECT_EQ(seen.pass(10s).judged_by(judge).state, TimeState::kTrusted);
}

TEST(TimeJudge, LeapSecondInsertedIsPassedOverAndRecorded) {
    for (const bool by_kernel : {true, false}) {
        TimeJudge judge({});
        Good seen;
        (by_kernel ? seen.kernel->leap : seen.daemon->leap) = LeapNotice::kInsert;
        TimeStatus status = seen.judged_by(judge);
        EXPECT_EQ(status.state, TimeState::kTrusted);  // at noon tokens go on
        EXPECT_NE(status.announcement.find("inserted"), std::string::npos);
        seen.pass(kMidnight - 61s - seen.real);
        EXPECT_EQ(seen.judged_by(judge).state, TimeState::kTrusted);
        EXPECT_EQ(seen.pass(1s).judged_by(judge).state, TimeState::kLeapSecond);
        EXPECT_EQ(seen.pass(59s).judged_by(judge).state, TimeState::kLeapSecond);
        // 23:59:59 comes twice.
        seen.pass(1100ms).real -= 1s;
        seen.kernel->leap_running = by_kernel;
        seen.kernel->leap = LeapNotice::kNone;
        status = seen.judged_by(judge);
        EXPECT_EQ(status.state, TimeState::kLeapSecond);
        EXPECT_NE(status.announcement.find("stepped by -1000 ms"), std::string::npos) << status.announcement;
        seen.kernel->leap_running = false;
        seen.daemon->leap = LeapNotice::kNone;
        EXPECT_EQ(seen.pass(5s).judged_by(judge).state, TimeState::kLeapSecond);
        status = seen.pass(6s).judged_by(judge);
        EXPECT_EQ(status.state, TimeState::kTrusted);  // no hold for a jump
        EXPECT_EQ(status.announcement, "");
    }
}

TEST(TimeJudge, LeapSecondDeletedIsPassedOver) {
    TimeJudge judge({});
    Good seen;
    seen.kernel->leap = LeapNotice::kDelete;
    EXPECT_NE(seen.judged_by(judge).announcement.find("deleted"), std::string::npos);
    seen.pass(kMidnight - 1s - seen.real);
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kLeapSecond);
    seen.pass(200ms).real += 1s;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kLeapSecond);
    seen.kernel->leap = LeapNotice::kNone;
    EXPECT_EQ(seen.pass(11s).judged_by(judge).state, TimeState::kTrusted);
}

TEST(TimeJudge, LeapSecondThatNobodyAnnouncedIsNoticedWhenItRuns) {
    TimeJudge judge({});
    Good seen;
    seen.real = kMidnight - 1s;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kTrusted);
    seen.pass(200ms).real -= 1s;
    seen.kernel->leap_running = true;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kLeapSecond);
}

TEST(TimeJudge, LeapSecondWithdrawnOrAnnouncedTooLongIsNone) {
    TimeJudge judge({});
    Good seen;
    seen.daemon->leap = LeapNotice::kInsert;
    EXPECT_NE(seen.judged_by(judge).announcement, "");
    seen.daemon->leap = LeapNotice::kNone;
    EXPECT_EQ(seen.pass(1s).judged_by(judge).announcement, "");
    seen.pass(kMidnight - 1s - seen.real);
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kTrusted);
    // A server that goes on announcing after midnight announces the next day's end, and takes that back.
    seen.daemon->leap = LeapNotice::kInsert;
    seen.pass(3600s);
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kTrusted);
}

TEST(TimeJudge, OtherStepsInTheLastMinuteAreJumps) {
    TimeJudge judge({});
    Good seen;
    seen.real = kMidnight - 30s;
    seen.kernel->leap = LeapNotice::kInsert;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kLeapSecond);
    seen.pass(35s).real -= 3s;
    EXPECT_EQ(seen.judged_by(judge).state, TimeState::kLeapSecond);
    seen.kernel->leap = LeapNotice::kNone;
    EXPECT_EQ(seen.pass(9s).judged_by(judge).state, TimeState::kJumped);
}

TEST(TimeJudge, EveryStateHasAName) {
    for (std::size_t i = 0; i < kTimeStates; ++i)
        EXPECT_FALSE(time_state_name(static_cast<TimeState>(i)).empty());
}

}  // namespace
}  // namespace sigillo::tsa
