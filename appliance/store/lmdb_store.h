// The embedded store: LMDB behind store.h, one committer thread, synchronous commits in groups.
//
// Start here, then commit_queue.h (who waits for whom), lmdb_transaction.h (what a body reads and writes),
// lmdb_env.h (LMDB itself). Bytes on disk: FORMAT.md.
//
// What fails, and how it goes on:
// - No room (MDB_MAP_FULL, ENOSPC, EDQUOT, EFBIG): the group is undone, and each of its members is run again
// in a
//   commit of its own, so that one large update does not fail the small ones. Who finds no room then gets
//   kStorageFull. The next update is tried as ever: the store resumes by itself when there is room.
// - Any other failed commit (EIO): undone; every member gets kUnavailable. Tried again with the next update.
// - The commit's very last write, of LMDB's head page, fails: LMDB refuses everything from then on
// (MDB_PANIC). Updates
//   get kUnavailable until the process starts anew, because only a start holds the store against its newest
//   checkpoint. Of this group alone it is open whether it became durable.
// - A page of the file that the disk cannot read ends the process with SIGBUS: LMDB reads through a memory
// map. Meanwhile health() says not writable, and why. While it does so the committer itself tries a small
// write now and then, so that health recovers even if its word keeps all work away.
#pragma once

#include <memory>
#include <memory_resource>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "appliance/base/clock.h"
#include "appliance/base/logger.h"
#include "appliance/store/commit_queue.h"
#include "appliance/store/lmdb_env.h"
#include "appliance/store/lmdb_readers.h"

namespace sigillo {

// Thread-safe, as Store is.
class LmdbStore final : public Store {
 public:
    // `clock` measures the age of snapshots (boot time) and must outlive the store, as `logger` must.
    // `spaces`: kAllSpaces, or a test's own. Errors: kInvalidArgument (config; `field`), kUnsupported
    // (network file system), kConflict (open already, here or elsewhere), kCorrupt (not a store, or damaged:
    // the detail names the page), kStorageFull, kUnavailable.
    static Result<std::unique_ptr<LmdbStore>> open(const LmdbConfig& config, std::span<const Space> spaces,
                                                   const Clock& clock, Logger& logger);
    // close(); no other call may be running then, but for updates that wait.
    ~LmdbStore() override;

    // New updates are refused (kUnavailable), those that wait are finished. Views go on. Any thread, any
    // number of times.
    void close();

    // kUnavailable: too many snapshots.
    Status view(const std::function<Status(ReadTransaction&)>& body) override;
    Status update(const std::function<Status(WriteTransaction&)>& body) override;
    StoreHealth health() const override;
    // kInvalidArgument with `field` = directory when it is neither absent nor empty. On an error nothing
    // stays there.
    Status copy_to(const std::string& directory) override;

 private:
    LmdbStore(const LmdbConfig& config, std::unique_ptr<LmdbEnv> env, const Clock& clock, Logger& logger);

    Status check_caller() const;
    void commit_loop();
    void commit(std::span<PendingUpdate* const> group);
    struct Attempt;
    Attempt attempt(std::span<PendingUpdate* const> group);
    Status commit_txn(LmdbTxn txn);
    void upkeep();
    void note_commit(const Status& status);
    Status copy_into(const std::string& directory);

    const LmdbConfig config_;
    const std::unique_ptr<LmdbEnv> env_;
    Logger& logger_;
    mutable LmdbReaders readers_;
    std::unique_ptr<CommitQueue> queue_;

    mutable std::mutex condition_mutex_;
    std::string not_writable_;  // why; guarded by condition_mutex_

    // The committer's.
    std::pmr::monotonic_buffer_resource arena_;
    std::chrono::steady_clock::time_point next_upkeep_{};

    std::thread committer_;  // last: it uses all of the above
    std::thread::id committer_id_;
};

}  // namespace sigillo
