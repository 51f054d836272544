#include "tsa/kernel_time_source.h"

#include "tsa/tst_info.h"

namespace sigillo::tsa {
namespace {

constexpr Microseconds kBestAccuracy = std::chrono::milliseconds(1);
constexpr Microseconds kWorstAccuracy = std::chrono::seconds(1);
// Changes that wait for the listener. More in a row is a clock that flaps, which the newest tells too.
constexpr std::size_t kMostChanges = 64;

TimeStatus no_verdict(TimeStatus last) {
    last.state = TimeState::kNoVerdict;
    last.reason = "the monitor of the clock does not say anything any more";
    return last;
}

TimeRules rules_of(const KernelTimeConfig& config) {
    TimeRules rules = config.rules;
    rules.max_error = config.accuracy - gen_time_resolution(gen_time_digits(config.accuracy));
    return rules;
}

}  // namespace

KernelTimeSource::KernelTimeSource(KernelTimeConfig config, KernelClock& clock, TimeDaemon& daemon)
    : config_(std::move(config)),
      clock_(clock),
      daemon_(daemon),
      judge_(rules_of(config_)),
      sources_(fail(Errc::kUnavailable, "chronyd has not been asked yet")) {}

Result<std::unique_ptr<KernelTimeSource>> KernelTimeSource::create(KernelTimeConfig config,
                                                                   KernelClock& clock, TimeDaemon& daemon) {
    if (config.accuracy < kBestAccuracy || config.accuracy > kWorstAccuracy)
        return fail(Errc::kInvalidArgument, "the accuracy that tokens state is 1 ms to 1 s", "accuracy");
    if (config.interval.count() <= 0 || config.verdict_life < 2 * config.interval)
        return fail(Errc::kInvalidArgument, "a verdict must live for two looks at least", "verdict_life");
    std::unique_ptr<KernelTimeSource> source(new KernelTimeSource(std::move(config), clock, daemon));
    SIGILLO_TRY(source->may_start());
    return source;
}

// EN 319 421 §7.7.2, DESIGN §8.
Status KernelTimeSource::may_start() {
    const TimeObservation seen = observe();
    if (!seen.daemon || !seen.sources)
        return fail(
            Errc::kClockUntrusted,
            "the TSA needs chronyd: " + to_string(!seen.daemon ? seen.daemon.error() : seen.sources.error()) +
                ". systemd-timesyncd will not do: it does not measure the clock's error");
    if (seen.sources->configured < config_.rules.min_sources)
        return fail(Errc::kClockUntrusted, "chronyd has " + std::to_string(seen.sources->configured) +
                                               " sources; the TSA needs " +
                                               std::to_string(config_.rules.min_sources) + " or more");
    // The first look fixes what later ones are compared with.
    const TimeStatus status = judge_.judge(seen);
    if (status.state == TimeState::kInvented) return fail(Errc::kClockUntrusted, status.reason);
    if (status.state == TimeState::kErrorTooLarge)
        return fail(Errc::kInvalidArgument,
                    "the stated accuracy is better than can be kept: " + status.reason, "accuracy");
    return {};
}

KernelTimeSource::~KernelTimeSource() {
    stop();
}

void KernelTimeSource::start(Listener changed) {
    const std::lock_guard lock(mutex_);
    listener_ = std::move(changed);
    stopping_ = false;
    monitor_ = std::thread([this] { run(); });
    notifier_ = std::thread([this] { run_listener(); });
}

void KernelTimeSource::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    wake_listener_.notify_all();
    if (monitor_.joinable()) monitor_.join();
    if (notifier_.joinable()) notifier_.join();
    good_until_ = 0;
}

TimeObservation KernelTimeSource::observe() {
    TimeObservation seen{clock_.read(), clock_.discipline(), daemon_.tracking(), sources_};
    const bool due = sources_seen_.count() < 0 || seen.clock.boot - sources_seen_ >= config_.sources_interval;
    if (seen.daemon && (due || !sources_)) {
        sources_ = daemon_.sources();
        sources_seen_ = seen.clock.boot;
        seen.sources = sources_;
    }
    return seen;
}

void KernelTimeSource::look() {
    const TimeObservation seen = observe();
    publish(judge_.judge(seen), seen.clock);
}

void KernelTimeSource::publish(const TimeStatus& status, const ClockReading& clock) {
    const bool good = status.state == TimeState::kTrusted;
    // From when the clock was read, not from when chronyd had answered. The offset comes first: whoever sees
    // the new term sees it too. It only ever changes while no term runs.
    if (good && judge_.offset()) offset_.store(judge_.offset()->count(), std::memory_order_relaxed);
    const Microseconds until = clock.boot + config_.verdict_life;
    good_until_.store(good ? until.count() : 0, std::memory_order_release);

    const std::lock_guard lock(mutex_);
    note(status, clock.real);
}

// With mutex_ held.
void KernelTimeSource::note(const TimeStatus& status, PreciseTime at) {
    const bool news = status.state != status_.state || status.announcement != status_.announcement;
    if (news && listener_) {
        if (changes_.size() >= kMostChanges) changes_.pop_back();
        changes_.push_back({status_.state, status, at});
        wake_listener_.notify_one();
    }
    status_ = status;
}

void KernelTimeSource::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        look();
        lock.lock();
        wake_.wait_for(lock, config_.interval, [this] { return stopping_; });
    }
}

// Also the one who tells that the monitor is gone: the monitor itself cannot.
void KernelTimeSource::run_listener() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const bool woken = wake_listener_.wait_for(lock, config_.interval,
                                                   [this] { return stopping_ || !changes_.empty(); });
        if (!woken) {
            const ClockReading clock = clock_.read();
            if (status_.state == TimeState::kTrusted && expired(clock.boot))
                note(no_verdict(status_), clock.real);
            continue;
        }
        if (changes_.empty()) return;
        const TimeChange change = std::move(changes_.front());
        changes_.pop_front();
        lock.unlock();
        listener_(change);
        lock.lock();
    }
}

bool KernelTimeSource::expired(Microseconds boot) const {
    return boot.count() > good_until_.load(std::memory_order_acquire);
}

Result<PreciseTime> KernelTimeSource::now() {
    const ClockReading clock = clock_.read();
    if (expired(clock.boot)) return fail(Errc::kClockUntrusted, status().reason);
    const Microseconds step =
        clock.real.time_since_epoch() - clock.boot - Microseconds(offset_.load(std::memory_order_relaxed));
    if (std::chrono::abs(step) > config_.rules.jump_limit)
        return fail(Errc::kClockUntrusted, "the clock was stepped just now");
    return clock.real;
}

TimeStatus KernelTimeSource::status() const {
    const Microseconds boot = clock_.read().boot;
    const std::lock_guard lock(mutex_);
    TimeStatus status = status_;
    if (status.state == TimeState::kTrusted && expired(boot)) status = no_verdict(std::move(status));
    if (status.state == TimeState::kStarting) status.reason = "the clock has not been looked at yet";
    return status;
}

TimeStatus UncheckedTimeSource::status() const {
    TimeStatus status;
    status.state = TimeState::kTrusted;
    status.reason = "unchecked: nothing is known about this clock";
    return status;
}

}  // namespace sigillo::tsa
