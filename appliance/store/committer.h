// The one thread that runs updates: in groups, each with one write to the journal.
//
// A group's bodies run one after the other over everything that was committed. What they wrote becomes one
// batch of the journal; when that is durable it goes into the active table, is published to readers, and its
// updates are acknowledged. The table goes to LMDB when it is large or old (Flusher). While LMDB or the disk
// may have no room for what waits in memory, a group goes to LMDB itself (RoomGauge).
//
// Internal to appliance/store.
#pragma once

#include <chrono>
#include <memory>
#include <memory_resource>
#include <span>
#include <thread>

#include "appliance/base/logger.h"
#include "appliance/store/commit_queue.h"
#include "appliance/store/flusher.h"
#include "appliance/store/journal.h"
#include "appliance/store/layers.h"
#include "appliance/store/room.h"
#include "appliance/store/store_condition.h"
#include "appliance/store/write_set.h"

namespace sigillo {

// What the committer works on; all of it outlives it.
struct CommitterParts {
    LmdbEnv& env;
    Layers& layers;
    RoomGauge& room;
    Flusher& flusher;
    StoreCondition& condition;
    Logger& logger;
};

class Committer {
 public:
    // `active`: the table that `parts.layers` began with. `last`: where the history stands.
    Committer(const LmdbConfig& config, const CommitterParts& parts, std::shared_ptr<MemTable> active,
              const BatchMark& last);
    // close(), and waits until all is done.
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    // Any thread but the committer's own. As Store has them.
    Status update(const std::function<Status(WriteTransaction&)>& body) { return queue_.submit(body); }
    Status defer(DeferredUpdate& update) { return queue_.defer(update); }
    // Refuses new updates; what waits is committed, and everything written to LMDB. Any thread.
    void close() { queue_.close(); }
    std::size_t waiting() const { return queue_.waiting(); }
    bool is_own_thread() const { return std::this_thread::get_id() == id_; }

    // In a forked child: the thread is not there.
    void abandon() { thread_.detach(); }

 private:
    void run();
    std::chrono::milliseconds patience() const;
    void commit(std::span<PendingUpdate> group);
    struct Attempt;
    Attempt attempt(std::span<PendingUpdate> group);
    // Runs members until group_bytes are written. Returns how many.
    Result<std::size_t> run_bodies(std::span<PendingUpdate> group, WriteSet& writes);

    Status prepare();
    Status persist(const WriteSet& writes);
    Status append(const WriteSet& writes, const BatchMark& mark, const Load& load);
    Status write_below(const WriteSet& writes, const BatchMark& mark);
    BatchMark build_batch(const WriteSet& writes, const Load& load);
    Status begin_reading();

    bool due() const;
    bool overdue() const;
    void freeze();
    Status drain();
    void upkeep();
    void note_commit(const Status& status);

    const LmdbConfig config_;
    const CommitterParts parts_;
    CommitQueue queue_;

    // The committer's own:
    const std::unique_ptr<std::byte[]> arena_memory_;
    std::pmr::monotonic_buffer_resource arena_;  // of a group
    BatchWriter batch_;
    LmdbTxn reading_;  // reset between groups
    std::shared_ptr<MemTable> active_;
    std::chrono::steady_clock::time_point active_since_{};  // of its first row
    std::unique_ptr<Journal> journal_;                      // of the active table; none before its first row
    BatchMark last_;
    Load frozen_load_;      // of the table that the flusher has, or had last
    bool suspect_ = false;  // a journal file may end with a batch that was refused
    std::chrono::steady_clock::time_point next_upkeep_{};

    std::thread thread_;  // last: it uses all of the above
    std::thread::id id_;
};

}  // namespace sigillo
