#include "appliance/base/worker_pool.h"

namespace sigillo {

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_limit, std::size_t share)
    : queue_limit_(queue_limit), share_(share == 0 ? threads : share) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
    close();
    for (std::thread& thread : threads_) thread.join();
}

Status WorkerPool::submit(Work work, std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(Errc::kUnavailable, "shutting down");
    if (queued_ >= queue_limit_) return fail(Errc::kUnavailable, "queue full");
    auto line = lines_.find(name);
    if (line == lines_.end()) line = lines_.emplace(std::string(name), Line{}).first;
    line->second.queue.push_back(std::move(work));
    ++queued_;
    give_turn(line);
    // Within the lock: the work may be done, and this pool destroyed, before its submitter runs again.
    if (claim_wake()) ready_.notify_one();
    return {};
}

// At most one thread is on its way at a time: the next is woken by it. Under load a thread that is awake has
// taken the work long before a sleeping one could, and each wake-up in vain costs two changes of threads.
bool WorkerPool::claim_wake() {
    if (turns_.empty() || sleeping_ == 0 || waking_) return false;
    waking_ = true;
    return true;
}

void WorkerPool::give_turn(Lines::iterator line) {
    Line& state = line->second;
    if (state.has_turn || state.queue.empty() || state.running >= share_) return;
    state.has_turn = true;
    turns_.push_back(line);
}

void WorkerPool::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    ready_.notify_all();
}

std::size_t WorkerPool::waiting() const {
    const std::lock_guard lock(mutex_);
    return queued_;
}

void WorkerPool::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        // A closed pool ends when nothing is queued; what waits for its share is taken up by whoever finishes
        // before it.
        while (turns_.empty() && !(closed_ && queued_ == 0)) {
            ++sleeping_;
            ready_.wait(lock);
            --sleeping_;
            waking_ = false;
        }
        if (turns_.empty()) return;
        const auto line = turns_.front();
        turns_.pop_front();
        line->second.has_turn = false;
        Work work = std::move(line->second.queue.front());
        line->second.queue.pop_front();
        --queued_;
        ++line->second.running;
        give_turn(line);  // behind the others
        const bool wake = claim_wake();
        lock.unlock();
        if (wake) ready_.notify_one();
        work();
        work = nullptr;  // destroyed outside the lock
        lock.lock();
        --line->second.running;
        if (line->second.queue.empty() && line->second.running == 0) {
            lines_.erase(line);
        } else {
            give_turn(line);  // this thread takes it, or another's turn
        }
        if (closed_ && queued_ == 0) ready_.notify_all();
    }
}

}  // namespace sigillo
