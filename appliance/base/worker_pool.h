// Threads that take work from a bounded queue. A full queue refuses at once: the caller answers "busy" while
// it still can, instead of letting latency grow without bound.
//
// Work is queued under the name of whom it is for. Those who wait take turns, and nobody has more than a
// share of the threads, so that one client's slow requests leave threads for the others.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "appliance/base/result.h"

namespace sigillo {

class WorkerPool {
 public:
    using Work = std::function<void()>;  // must not throw

    // `threads` and `queue_limit` (waiting items, not counting those that run) are at least 1; `share`:
    // threads that work of one name may take at a time, 0 for all.
    WorkerPool(std::size_t threads, std::size_t queue_limit, std::size_t share = 0);
    // Runs what is queued, then joins.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // kUnavailable when the queue is full or the pool is closing. Thread-safe.
    Status submit(Work work, std::string_view name = {});
    // No new work from here on; what is queued still runs. Thread-safe.
    void close();
    std::size_t waiting() const;

 private:
    struct Line {
        std::deque<Work> queue;
        std::size_t running = 0;
        bool has_turn = false;  // its name stands in turns_
    };
    using Lines = std::map<std::string, Line, std::less<>>;
    void run();
    void give_turn(Lines::iterator line);
    bool claim_wake();  // whether the caller is to wake a thread, once mutex_ is free

    const std::size_t queue_limit_;
    const std::size_t share_;
    mutable std::mutex mutex_;
    std::condition_variable ready_;
    // Guarded by mutex_.
    Lines lines_;                        // only names with work queued or running
    std::deque<Lines::iterator> turns_;  // lines whose next work may run
    std::size_t queued_ = 0;
    std::size_t sleeping_ = 0;  // threads without work
    bool waking_ = false;       // one of them has been told, and is not awake yet
    bool closed_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace sigillo
