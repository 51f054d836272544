#include "appliance/store/commit_queue.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <utility>

namespace sigillo {
namespace {

using Steady = std::chrono::steady_clock;

constexpr unsigned kGroupsOfAPeak = 32;
// Lingers without a caller after which the load is over.
constexpr int kIdleLingers = 10;

// A call of update(), on its caller's stack: the caller leaves only when its group is finished.
class WaitedFor final : public DeferredUpdate {
 public:
    explicit WaitedFor(const std::function<Status(WriteTransaction&)>& body) : body_(body) {}
    Status run(WriteTransaction& txn) override { return body_(txn); }
    void finish(Status status) noexcept override { result = std::move(status); }
    Status result;

 private:
    const std::function<Status(WriteTransaction&)>& body_;
};

}  // namespace

// The kernel's futex itself: std::atomic::wait of libstdc++ yields four times before it sleeps, which with
// dozens of waiting threads costs more than the sleep.
void CommitGroup::finish() {
    for (PendingUpdate& member : members_) member.update->finish(std::move(member.result));
    finished_.store(1, std::memory_order_release);
    ::syscall(SYS_futex, &finished_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void CommitGroup::wait() const {
    // Returns early for a signal, or when it is finished already; the word decides.
    while (finished_.load(std::memory_order_acquire) == 0)
        ::syscall(SYS_futex, &finished_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
}

void RecentPeak::note(std::size_t size) {
    current_ = std::max(current_, size);
    if (++noted_ == kGroupsOfAPeak) {
        before_ = current_;
        current_ = 1;
        noted_ = 0;
    }
}

Status CommitQueue::submit(const std::function<Status(WriteTransaction&)>& body) {
    WaitedFor update(body);
    SIGILLO_ASSIGN(const auto group, join(update));
    group->wait();
    return std::move(update.result);
}

Status CommitQueue::defer(DeferredUpdate& update) {
    SIGILLO_TRY(join(update));
    return {};
}

Result<std::shared_ptr<CommitGroup>> CommitQueue::join(DeferredUpdate& update) {
    bool wake = false;
    std::shared_ptr<CommitGroup> group;
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return fail(Errc::kUnavailable, "the store is closing");
        if (waiting_ >= limit_) return fail(Errc::kUnavailable, "store queue full", "queue_limit");
        if (groups_.empty() || groups_.back()->members_.size() >= group_limit_)
            groups_.push_back(std::make_shared<CommitGroup>());
        group = groups_.back();
        group->members_.push_back({&update});
        ++waiting_;
        if (wanted_ != 0 && waiting_ >= wanted_) {
            wanted_ = 0;
            wake = true;
        }
    }
    if (wake) enough_.notify_one();
    return group;
}

CommitQueue::Taken CommitQueue::take(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    const auto await = [&](std::size_t wanted, Steady::time_point until) {
        wanted_ = wanted;
        enough_.wait_until(lock, until, [&] { return closed_ || waiting_ >= wanted; });
        wanted_ = 0;
    };

    if (groups_.empty()) {
        const auto began = Steady::now();
        await(1, began + patience);
        if (groups_.empty()) return {nullptr, closed_};
        if (Steady::now() - began > kIdleLingers * linger_) peak_.forget();
    }
    const std::size_t worthwhile = std::min(peak_.value(), group_limit_);
    if (waiting_ < worthwhile) await(worthwhile, Steady::now() + linger_);

    Taken taken{std::move(groups_.front()), false};
    groups_.pop_front();
    waiting_ -= taken.group->members().size();
    peak_.note(taken.group->members().size());
    return taken;
}

void CommitQueue::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    enough_.notify_one();
}

std::size_t CommitQueue::waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
}

}  // namespace sigillo
