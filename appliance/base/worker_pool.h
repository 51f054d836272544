// Threads that take work from one bounded queue. A full queue refuses at once: the caller answers
// "busy" while it still can, instead of letting latency grow without bound.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "appliance/base/result.h"

namespace sigillo {

class WorkerPool {
 public:
    using Work = std::function<void()>;  // must not throw

    // `threads` and `queue_limit` (waiting items, not counting those that run) are at least 1.
    WorkerPool(std::size_t threads, std::size_t queue_limit);
    // Runs what is queued, then joins.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // kUnavailable when the queue is full or the pool is closing. Thread-safe.
    Status submit(Work work);
    // No new work from here on; what is queued still runs. Thread-safe.
    void close();
    std::size_t waiting() const;

 private:
    void run();

    const std::size_t queue_limit_;
    mutable std::mutex mutex_;
    std::condition_variable ready_;  // guarded by mutex_, as are the two below
    std::deque<Work> queue_;
    bool closed_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace sigillo
