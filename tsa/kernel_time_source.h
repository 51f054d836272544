// The TimeSource for real use: the kernel's clock, believed only with chronyd behind it.
//
// A monitor looks at kernel and daemon several times a second; its verdict expires. So a monitor that died,
// hangs in chronyd's socket or starves means: no tokens. Between two looks each now() watches the clock for
// steps itself, so that no token ever has a time after an unnoticed jump.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "tsa/time_judge.h"

namespace sigillo::tsa {

struct KernelTimeConfig {
    // What tokens state: at most one second (EN 319 421 §7.7.2 wants one or better), at least a millisecond.
    Microseconds accuracy{1'000'000};
    // Between two looks. With verdict_life it makes tokens stop well within a second of any trouble.
    std::chrono::milliseconds interval{200};
    // How long a verdict holds. Four looks: one that comes late on a busy machine stops nothing.
    std::chrono::milliseconds verdict_life{900};
    // Between two looks at the daemon's sources, a question each; they change with its polls, of minutes.
    std::chrono::milliseconds sources_interval{1'000};
    // max_error is not read here: it follows from the accuracy.
    TimeRules rules;
};

class KernelTimeSource final : public TimeSource {
 public:
    // Looks once, and refuses to start (kInvalidArgument, `field` "accuracy", for a number outside the bounds
    // or a clock that is worse than stated; kClockUntrusted for a kernel whose error is invented, a daemon
    // that does not answer, or fewer than min_sources sources configured). A clock that is only not
    // synchronised yet is no reason not to start: it says timeNotAvailable until it is. `clock` and `daemon`
    // must outlive it.
    static Result<std::unique_ptr<KernelTimeSource>> create(KernelTimeConfig config, KernelClock& clock,
                                                            TimeDaemon& daemon);
    ~KernelTimeSource() override;
    KernelTimeSource(const KernelTimeSource&) = delete;
    KernelTimeSource& operator=(const KernelTimeSource&) = delete;

    // Starts the monitor. `changed` is called on a thread of its own, in order, and may take its time; what
    // comes faster than it keeps up with is summed up by the newest. Called for every change of state, and
    // for leap seconds announced or withdrawn.
    using Listener = std::function<void(const TimeChange&)>;
    void start(Listener changed);
    // Ends the threads; now() refuses from then on. The destructor does it too.
    void stop();

    Result<PreciseTime> now() override;
    Microseconds accuracy() const override { return config_.accuracy; }
    bool checked() const override { return true; }
    TimeStatus status() const override;

 private:
    KernelTimeSource(KernelTimeConfig config, KernelClock& clock, TimeDaemon& daemon);
    TimeObservation observe();
    Status may_start();
    void look();
    void publish(const TimeStatus& status, const ClockReading& clock);
    void note(const TimeStatus& status, PreciseTime at);
    void run();
    void run_listener();
    bool expired(Microseconds boot) const;

    const KernelTimeConfig config_;
    KernelClock& clock_;
    TimeDaemon& daemon_;
    // The monitor's.
    TimeJudge judge_;
    Result<DaemonSources> sources_;
    Microseconds sources_seen_{-1};  // boot time, or -1

    // What now() needs, in microseconds. Good until: boot time; 0: not good.
    std::atomic<std::int64_t> good_until_{0};
    std::atomic<std::int64_t> offset_{0};

    mutable std::mutex mutex_;  // guards the rest
    std::condition_variable wake_;
    std::condition_variable wake_listener_;
    bool stopping_ = false;
    TimeStatus status_;
    std::deque<TimeChange> changes_;
    Listener listener_;
    std::thread monitor_;
    std::thread notifier_;
};

// The machine's clock as it is, for a quickstart without NTP. Nothing stands behind it, and nothing watches
// it: its tokens bear a policy that says so.
class UncheckedTimeSource final : public TimeSource {
 public:
    // `clock` must outlive it.
    UncheckedTimeSource(KernelClock& clock, Microseconds accuracy) : clock_(clock), accuracy_(accuracy) {}
    Result<PreciseTime> now() override { return clock_.read().real; }
    Microseconds accuracy() const override { return accuracy_; }
    bool checked() const override { return false; }
    TimeStatus status() const override;

 private:
    KernelClock& clock_;
    const Microseconds accuracy_;
};

}  // namespace sigillo::tsa
