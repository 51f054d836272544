// Writes frozen tables to LMDB in the background, one at a time, and removes their journal files.
//
// A failed attempt is repeated: each `upkeep`, and when somebody waits. Until it succeeds the table stays
// readable and its journal files stay.
//
// Internal to appliance/store.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "appliance/store/layers.h"
#include "appliance/store/room.h"
#include "appliance/store/store_condition.h"

namespace sigillo {

class Flusher {
 public:
    Flusher(const LmdbEnv& env, Layers& layers, RoomGauge& room, StoreCondition& condition,
            std::chrono::milliseconds upkeep);
    // After the attempt that runs; what failed stays in its journal files.
    ~Flusher();
    Flusher(const Flusher&) = delete;
    Flusher& operator=(const Flusher&) = delete;

    // The committer's, while idle: writes the table that Layers has frozen. `upto`: everything up to there
    // is then in LMDB; the files' batches are no later.
    void start(const BatchMark& upto, std::vector<std::string> files);

    bool idle() const;
    // Until there is nothing to do: success; or an attempt that began since has failed: its error.
    Status wait();
    // As wait(), but returns at once while nothing has failed.
    Status ready();

    // In a forked child: the thread is not there.
    void abandon() { thread_.detach(); }

 private:
    struct Task {
        BatchMark upto;
        std::vector<std::string> files;
        bool in_lmdb = false;
    };
    void run();
    Status attempt(Task& task);
    Status write(const Task& task);
    Status wait_locked(std::unique_lock<std::mutex>& lock);

    const LmdbEnv& env_;
    Layers& layers_;
    RoomGauge& room_;
    StoreCondition& condition_;
    const std::chrono::milliseconds upkeep_;

    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable done_;
    // Guarded by mutex_:
    std::optional<Task> task_;
    std::optional<Error> failure_;  // of the last attempt at task_
    std::uint64_t begun_ = 0;       // attempts
    std::uint64_t ended_ = 0;
    std::uint64_t wanted_ = 0;  // attempts that somebody waits for
    bool stop_ = false;

    std::thread thread_;  // last: it uses all of the above
};

}  // namespace sigillo
