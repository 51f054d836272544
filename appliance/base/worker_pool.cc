#include "appliance/base/worker_pool.h"

namespace sigillo {

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

WorkerPool::~WorkerPool() {
    close();
    for (std::thread& thread : threads_) thread.join();
}

Status WorkerPool::submit(Work work) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return fail(Errc::kUnavailable, "shutting down");
        if (queue_.size() >= queue_limit_) return fail(Errc::kUnavailable, "queue full");
        queue_.push_back(std::move(work));
    }
    ready_.notify_one();
    return {};
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
    return queue_.size();
}

void WorkerPool::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        ready_.wait(lock, [this] { return closed_ || !queue_.empty(); });
        if (queue_.empty()) return;
        Work work = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        work();
        work = nullptr;  // destroyed outside the lock
        lock.lock();
    }
}

}  // namespace sigillo
