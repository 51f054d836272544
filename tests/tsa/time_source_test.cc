// CHECKS 37, with the monitor running: within a second of any trouble no token, and recovery without a
// restart. The machine's clock is read, never set: trouble comes through the seams.
#include <gtest/gtest.h>

#include <mutex>
#include <semaphore>

#include "tsa/kernel_time_source.h"

namespace sigillo::tsa {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

class FakeClock final : public KernelClock {
 public:
    ClockReading read() override {
        ClockReading reading = system_.read();
        reading.real += Microseconds(offset_us.load());
        return reading;
    }
    Result<KernelDiscipline> discipline() override {
        const std::lock_guard lock(mutex_);
        return state_;
    }
    void change(const std::function<void(KernelDiscipline&)>& how) {
        const std::lock_guard lock(mutex_);
        how(state_);
    }
    std::atomic<std::int64_t> offset_us{0};

 private:
    SystemKernelClock system_;
    std::mutex mutex_;
    KernelDiscipline state_{true, 20ms, LeapNotice::kNone, false};
};

class FakeDaemon final : public TimeDaemon {
 public:
    Result<DaemonTracking> tracking() override {
        if (hang) {
            hanging.release();
            wake.acquire();
        }
        const std::lock_guard lock(mutex_);
        if (gone_) return fail(Errc::kUnavailable, "chronyd has not answered");
        return tracking_;
    }
    Result<DaemonSources> sources() override {
        const std::lock_guard lock(mutex_);
        return sources_;
    }
    void change(const std::function<void(DaemonTracking&, DaemonSources&, bool& gone)>& how) {
        const std::lock_guard lock(mutex_);
        how(tracking_, sources_, gone_);
    }
    std::atomic<bool> hang{false};
    std::counting_semaphore<16> hanging{0}, wake{0};

 private:
    std::mutex mutex_;
    DaemonTracking tracking_{true, LeapNotice::kNone, 1ms, 10ms, 5ms};
    DaemonSources sources_{4, 4};
    bool gone_ = false;
};

KernelTimeConfig quick() {
    KernelTimeConfig config;
    config.rules.jump_hold = 300ms;
    config.sources_interval = 200ms;
    return config;
}

class KernelTime : public ::testing::Test {
 protected:
    void start(KernelTimeConfig config = quick()) {
        auto made = KernelTimeSource::create(config, clock, daemon);
        ASSERT_TRUE(made) << to_string(made.error());
        source = *std::move(made);
        source->start([this](const TimeChange& change) {
            const std::lock_guard lock(mutex);
            changes.push_back(change);
        });
        EXPECT_TRUE(becomes(TimeState::kTrusted, 1s));
    }
    // Within `limit` the source is in that state, and now() says so.
    bool becomes(TimeState state, std::chrono::milliseconds limit) {
        for (const auto until = Steady::now() + limit; Steady::now() < until;
             std::this_thread::sleep_for(5ms)) {
            if (source->status().state != state) continue;
            return source->now().has_value() == (state == TimeState::kTrusted);
        }
        ADD_FAILURE() << "still " << time_state_name(source->status().state) << ": "
                      << source->status().reason;
        return false;
    }
    void expect_stop_and_recovery(TimeState state, const std::function<void()>& harm,
                                  const std::function<void()>& mend) {
        SCOPED_TRACE(time_state_name(state));
        harm();
        EXPECT_TRUE(becomes(state, 1s));
        const auto refused = source->now();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::kClockUntrusted);
        mend();
        EXPECT_TRUE(becomes(TimeState::kTrusted, 2s));
    }
    std::vector<TimeChange> seen() {
        const std::lock_guard lock(mutex);
        return changes;
    }

    FakeClock clock;
    FakeDaemon daemon;
    std::mutex mutex;
    std::vector<TimeChange> changes;
    std::unique_ptr<KernelTimeSource> source;
};

TEST_F(KernelTime, StopsWithinASecondAndRecoversWithoutARestart) {
    start();
    expect_stop_and_recovery(
        TimeState::kUnsynchronised, [&] { clock.change([](auto& state) { state.synchronised = false; }); },
        [&] { clock.change([](auto& state) { state.synchronised = true; }); });
    expect_stop_and_recovery(
        TimeState::kErrorTooLarge, [&] { clock.change([](auto& state) { state.max_error = 950ms; }); },
        [&] { clock.change([](auto& state) { state.max_error = 10ms; }); });
    expect_stop_and_recovery(
        TimeState::kNoDaemon, [&] { daemon.change([](auto&, auto&, bool& gone) { gone = true; }); },
        [&] { daemon.change([](auto&, auto&, bool& gone) { gone = false; }); });
    expect_stop_and_recovery(
        TimeState::kTooFewSources,
        [&] { daemon.change([](auto&, auto& sources, bool&) { sources.usable = 1; }); },
        [&] { daemon.change([](auto&, auto& sources, bool&) { sources.usable = 3; }); });
    expect_stop_and_recovery(
        TimeState::kUnsynchronised,
        [&] { daemon.change([](auto& tracking, auto&, bool&) { tracking.synchronised = false; }); },
        [&] { daemon.change([](auto& tracking, auto&, bool&) { tracking.synchronised = true; }); });
    expect_stop_and_recovery(
        TimeState::kInvented, [&] { clock.change([](auto& state) { state.max_error = 0us; }); },
        [&] { clock.change([](auto& state) { state.max_error = 10ms; }); });
    expect_stop_and_recovery(
        TimeState::kLeapSecond, [&] { clock.change([](auto& state) { state.leap_running = true; }); },
        [&] { clock.change([](auto& state) { state.leap_running = false; }); });
    // Each went and came: told once each way. (A monitor that a busy machine starves is told of too, and is
    // no part of this.)
    const auto told = seen();
    std::vector<TimeState> states;
    for (const TimeChange& change : told)
        if (change.now.state != TimeState::kNoVerdict &&
            (states.empty() || states.back() != change.now.state))
            states.push_back(change.now.state);
    using enum TimeState;
    EXPECT_EQ(states, (std::vector{kTrusted, kUnsynchronised, kTrusted, kErrorTooLarge, kTrusted, kNoDaemon,
                                   kTrusted, kTooFewSources, kTrusted, kUnsynchronised, kTrusted, kInvented,
                                   kTrusted, kLeapSecond, kTrusted}));
    for (std::size_t i = 1; i < told.size(); ++i) EXPECT_EQ(told[i].before, told[i - 1].now.state);
    EXPECT_EQ(told.back().now.state, TimeState::kTrusted);
}

TEST_F(KernelTime, LeapSecondPendingAtTheEndOfTheDayStopsTokensUntilItIsOver) {
    KernelTimeConfig config = quick();
    config.rules.leap_after = 1s;
    const PreciseTime now = clock.read().real;
    const auto midnight = std::chrono::floor<std::chrono::days>(now) + std::chrono::days(1);
    clock.offset_us = (midnight - 2500ms - now).count();
    start(config);
    clock.change([](auto& state) { state.leap = LeapNotice::kInsert; });
    EXPECT_TRUE(becomes(TimeState::kLeapSecond, 1s));
    clock.change([](auto& state) { state.leap = LeapNotice::kNone; });
    EXPECT_TRUE(becomes(TimeState::kTrusted, 5s));
    EXPECT_GE(clock.read().real, midnight + 1s);
}

TEST_F(KernelTime, JumpsOfTwoSecondsStopTheVeryNextToken) {
    start();
    for (const std::int64_t jump : {2'000'000, -2'000'000, 60'000, -60'000}) {
        ASSERT_TRUE(source->now());
        clock.offset_us += jump;
        EXPECT_FALSE(source->now());  // before the monitor has looked
        EXPECT_TRUE(becomes(TimeState::kJumped, 1s));
        EXPECT_TRUE(becomes(TimeState::kTrusted, 2s));
    }
}

TEST_F(KernelTime, MonitorThatHangsMeansNoTokensAndIsToldOf) {
    start();
    daemon.hang = true;
    daemon.hanging.acquire();
    const auto began = Steady::now();
    EXPECT_TRUE(becomes(TimeState::kNoVerdict, 1s));
    EXPECT_LT(Steady::now() - began, 1s);
    EXPECT_FALSE(source->now());
    for (const auto until = Steady::now() + 1s; Steady::now() < until && seen().size() < 2;)
        std::this_thread::sleep_for(5ms);
    ASSERT_GE(seen().size(), 2u);
    EXPECT_EQ(seen()[1].now.state, TimeState::kNoVerdict);
    daemon.hang = false;
    daemon.wake.release();
    EXPECT_TRUE(becomes(TimeState::kTrusted, 2s));
}

TEST_F(KernelTime, AfterStopAndBeforeStartNothingIsVouchedFor) {
    auto made = KernelTimeSource::create(quick(), clock, daemon);
    ASSERT_TRUE(made);
    EXPECT_FALSE((*made)->now());
    EXPECT_EQ((*made)->status().state, TimeState::kStarting);
    start();
    source->stop();
    EXPECT_FALSE(source->now());
    EXPECT_NE(source->status().state, TimeState::kTrusted);
}

TEST_F(KernelTime, StartIsRefusedWhereTheAccuracyCannotBeKept) {
    const auto refused = [&](Errc code, const std::string& part, KernelTimeConfig config = quick()) {
        const auto made = KernelTimeSource::create(config, clock, daemon);
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().code, code);
        EXPECT_NE(made.error().detail.find(part), std::string::npos) << made.error().detail;
    };
    KernelTimeConfig config = quick();
    config.accuracy = 10ms;  // the clock may be off by 20
    refused(Errc::kInvalidArgument, "better than can be kept", config);
    config.accuracy = 22ms;  // with genTime's resolution of a millisecond that will do
    EXPECT_TRUE(KernelTimeSource::create(config, clock, daemon));
    for (const auto accuracy : {Microseconds(999), Microseconds(1'000'001)}) {
        config.accuracy = accuracy;
        refused(Errc::kInvalidArgument, "1 ms to 1 s", config);
    }
    config = quick();
    config.verdict_life = config.interval;
    refused(Errc::kInvalidArgument, "two looks", config);

    // systemd-timesyncd: no chronyd, and an error of zero.
    daemon.change([](auto&, auto&, bool& gone) { gone = true; });
    refused(Errc::kClockUntrusted, "systemd-timesyncd");
    daemon.change([](auto&, auto&, bool& gone) { gone = false; });
    clock.change([](auto& state) { state.max_error = 0us; });
    refused(Errc::kClockUntrusted, "maximum error is 0");
    clock.change([](auto& state) { state.max_error = 20ms; });
    daemon.change([](auto&, auto& sources, bool&) { sources = {2, 2}; });
    refused(Errc::kClockUntrusted, "2 sources");
    // Not synchronised yet, sources not reached yet: that comes.
    daemon.change([](auto& tracking, auto& sources, bool&) {
        tracking.synchronised = false;
        sources = {4, 0};
    });
    EXPECT_TRUE(KernelTimeSource::create(quick(), clock, daemon));
}

TEST(UncheckedTime, SaysThatItIsUnchecked) {
    SystemKernelClock clock;
    UncheckedTimeSource source(clock, 1s);
    EXPECT_FALSE(source.checked());
    EXPECT_TRUE(source.now());
    EXPECT_EQ(source.accuracy(), Microseconds(1s));
    EXPECT_NE(source.status().reason.find("unchecked"), std::string::npos);
}

TEST(SystemKernelClock, ReadsClocksThatAgreeWithTheMachines) {
    SystemKernelClock clock;
    const auto before = std::chrono::system_clock::now();
    const ClockReading first = clock.read();
    std::this_thread::sleep_for(20ms);
    const ClockReading second = clock.read();
    EXPECT_GE(first.real, std::chrono::floor<Microseconds>(before));
    EXPECT_LE(second.real, std::chrono::system_clock::now());
    EXPECT_GE(second.boot - first.boot, 20ms);
    EXPECT_LT(std::chrono::abs((second.real - first.real) - (second.boot - first.boot)), 20ms);
    EXPECT_TRUE(clock.discipline());
}

}  // namespace
}  // namespace sigillo::tsa
