// The embedded store: a journal in front of LMDB, behind store.h.
//
// Start here, then committer.h (how a group of updates becomes durable), journal_format.h, mem_table.h,
// layers.h (what a reader sees), flusher.h (how it comes into LMDB), recovery.h (what a start does),
// commit_queue.h (who waits for whom), lmdb_env.h (LMDB itself). Bytes on disk: FORMAT.md.
//
// A group of updates costs one append to the journal and one fdatasync. Its rows stay in memory, where
// readers find them, until the background writes them to LMDB in one synchronous transaction: every few
// seconds, or when they are many. What is in the journal alone when the process ends is put into LMDB by the
// next start.
//
// What fails, and how it goes on:
// - No room for the journal (ENOSPC, EDQUOT, EFBIG): the file is cut back, the group is undone, and each of
//   its members is run again in a commit of its own, so that one large update does not fail the small ones.
//   Who finds no room then gets kStorageFull. The next update is tried as ever: the store resumes by itself
//   when there is room.
// - LMDB's map or the disk is nearly full: before it can fail what was acknowledged, groups bypass the
//   journal and are committed by LMDB, which then refuses what does not fit (kStorageFull). Slower, to the
//   last page.
// - Any other failed write (EIO): undone; every member gets kUnavailable. Tried again with the next update.
// - The journal's fdatasync fails: every member gets kUnavailable (or kStorageFull), and nobody sees their
//   writes; but if the process dies next, the disk may bring them back. So nothing is acknowledged until LMDB
//   holds all that was before, and that this batch is void: that is tried with each update, and then a new
//   file begins.
// - Writing to LMDB in the background fails: what was acknowledged stays in journal and memory, updates are
//   refused with the reason, the attempt is repeated with each of them and each `upkeep`.
// - LMDB cannot write its head page: it refuses everything from then on (MDB_PANIC). Updates get kUnavailable
//   until the process starts anew, because only a start holds the store against its newest checkpoint. What
//   was acknowledged comes back with the journal.
// - A page of LMDB's file that the disk cannot read ends the process with SIGBUS: LMDB reads through a memory
//   map.
// Meanwhile health() says not writable, and why. While it does so the committer itself tries a batch without
// rows now and then, so that health recovers even if its word keeps all work away.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "appliance/base/clock.h"
#include "appliance/base/logger.h"
#include "appliance/store/committer.h"
#include "appliance/store/lmdb_readers.h"

namespace sigillo {

// Thread-safe, as Store is.
class LmdbStore final : public Store {
 public:
    // `clock` measures the age of snapshots (boot time) and must outlive the store, as `logger` must.
    // `spaces`: kAllSpaces, or a test's own. Errors: kInvalidArgument (config; `field`), kUnsupported
    // (network file system), kConflict (open already, here or elsewhere), kCorrupt (not a store, or damaged:
    // the detail names the page, or the journal's file and byte), kStorageFull, kUnavailable.
    static Result<std::unique_ptr<LmdbStore>> open(const LmdbConfig& config, std::span<const Space> spaces,
                                                   const Clock& clock, Logger& logger);
    // close(), and writes everything to LMDB; no other call may be running then, but for updates that wait.
    ~LmdbStore() override;

    // New updates are refused (kUnavailable), those that wait are finished. Views go on. Any thread, any
    // number of times.
    void close();

    // kUnavailable: too many snapshots.
    Status view(const std::function<Status(ReadTransaction&)>& body) override;
    Status update(const std::function<Status(WriteTransaction&)>& body) override;
    Status defer(DeferredUpdate& update) override;
    StoreHealth health() const override;
    // kInvalidArgument with `field` = directory when it is neither absent nor empty. On an error nothing
    // stays there.
    Status copy_to(const std::string& directory) override;

 private:
    LmdbStore(const LmdbConfig& config, std::unique_ptr<LmdbEnv> env, const BatchMark& last,
              const Clock& clock, Logger& logger);

    Status check_caller() const;

    const LmdbConfig config_;
    const std::unique_ptr<LmdbEnv> env_;
    mutable LmdbReaders readers_;
    StoreCondition condition_;
    RoomGauge room_;
    std::unique_ptr<Layers> layers_;
    // Last, and the committer first to go: they use all of the above, and have threads.
    std::unique_ptr<Flusher> flusher_;
    std::unique_ptr<Committer> committer_;
};

}  // namespace sigillo
