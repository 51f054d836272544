#include "appliance/store/flusher.h"

#include <lmdb.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "appliance/store/journal.h"

namespace sigillo {

Flusher::Flusher(const LmdbEnv& env, Layers& layers, RoomGauge& room, StoreCondition& condition,
                 std::chrono::milliseconds upkeep)
    : env_(env), layers_(layers), room_(room), condition_(condition), upkeep_(upkeep) {
    thread_ = std::thread([this] { run(); });
}

Flusher::~Flusher() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    work_.notify_one();
    thread_.join();
}

void Flusher::start(const BatchMark& upto, std::vector<std::string> files) {
    {
        const std::lock_guard lock(mutex_);
        task_ = Task{upto, std::move(files)};
    }
    work_.notify_one();
}

bool Flusher::idle() const {
    const std::lock_guard lock(mutex_);
    return !task_;
}

Status Flusher::wait() {
    std::unique_lock lock(mutex_);
    return wait_locked(lock);
}

Status Flusher::ready() {
    std::unique_lock lock(mutex_);
    if (!failure_) return {};
    return wait_locked(lock);
}

Status Flusher::wait_locked(std::unique_lock<std::mutex>& lock) {
    if (!task_) return {};
    // An attempt that runs may have met its fault before the caller came: only without failures so far is it
    // as good as the next one.
    const std::uint64_t until = failure_ ? begun_ + 1 : ended_ + 1;
    wanted_ = std::max(wanted_, until);
    work_.notify_one();
    done_.wait(lock, [&] { return !task_ || ended_ >= until; });
    if (task_ && failure_) return std::unexpected(*failure_);
    return {};
}

void Flusher::run() {
    pthread_setname_np(pthread_self(), "store-flush");
    std::unique_lock lock(mutex_);
    for (;;) {
        work_.wait(lock, [&] { return task_ || stop_; });
        if (stop_) return;
        ++begun_;
        Task& task = *task_;  // nobody else touches it meanwhile
        lock.unlock();
        const Status done = attempt(task);
        lock.lock();
        ++ended_;
        failure_ = done ? std::nullopt : std::optional(done.error());
        if (done) task_.reset();
        // Together with failure_, so that no update is taken once health says that none is.
        condition_.note(StoreCondition::Part::kFlush, done);
        done_.notify_all();
        if (failure_) work_.wait_for(lock, upkeep_, [&] { return stop_ || wanted_ > begun_; });
    }
}

Status Flusher::attempt(Task& task) {
    if (!task.in_lmdb) {
        SIGILLO_TRY(write(task));
        task.in_lmdb = true;
    }
    return remove_journals(env_.directory(), task.files);
}

Status Flusher::write(const Task& task) {
    SIGILLO_ASSIGN(LmdbTxn txn, env_.begin(false));
    SIGILLO_TRY(write_tables(env_, txn.get(), Snapshot{nullptr, layers_.now().frozen, task.upto, 0}));
    const std::uint64_t id = mdb_txn_id(txn.get());
    SIGILLO_TRY(env_.commit(std::move(txn)));
    layers_.flushed(id);
    room_.measure();
    return {};
}

}  // namespace sigillo
