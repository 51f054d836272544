#include "appliance/sigillod/housekeeping.h"

#include <algorithm>

namespace sigillo {

using SteadyTime = std::chrono::steady_clock::time_point;

Housekeeping::Housekeeping(std::vector<Chore> chores, Logger& logger)
    : chores_(std::move(chores)), logger_(logger), thread_([this] { run(); }) {}

Housekeeping::~Housekeeping() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

void Housekeeping::run() {
    std::vector<SteadyTime> due;
    for (const Chore& chore : chores_) due.push_back(std::chrono::steady_clock::now() + chore.every);
    std::unique_lock lock(mutex_);
    while (!ending_ && !chores_.empty()) {
        const auto next = std::ranges::min_element(due);
        if (wake_.wait_until(lock, *next, [this] { return ending_; })) return;
        const auto index = static_cast<std::size_t>(next - due.begin());
        lock.unlock();
        try {
            chores_[index].work();
        } catch (const std::exception& error) {  // out of memory: the next round may do better
            logger_.error("chore_failed", {{"chore", chores_[index].name}, {"what", error.what()}});
        }
        lock.lock();
        *next = std::chrono::steady_clock::now() + chores_[index].every;
    }
}

}  // namespace sigillo
