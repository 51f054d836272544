// What a reader sees: LMDB, over it the table that is being written to LMDB, over it the one that grows.
//
// Internal to appliance/store. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "appliance/store/journal_format.h"
#include "appliance/store/lmdb_env.h"
#include "appliance/store/mem_table.h"

namespace sigillo {

// Everything up to `last`, together with an LMDB snapshot that is no older than `base`. The tables stay as
// long as it does.
struct Snapshot {
    std::shared_ptr<const MemTable> active;
    std::shared_ptr<const MemTable> frozen;  // or none
    BatchMark last;
    std::uint64_t base = 0;  // an LMDB transaction's id
};

class Layers {
 public:
    // LMDB holds everything up to `last`.
    Layers(std::shared_ptr<const MemTable> active, const BatchMark& last) {
        now_.active = std::move(active);
        now_.last = last;
    }

    // The committer's: the active table holds `last` now, and later readers see it.
    void publish(const BatchMark& last);
    // The committer's, while none is frozen: the active table becomes the frozen one.
    void freeze(std::shared_ptr<const MemTable> active);
    // The flusher's: transaction `base` has put the frozen table into LMDB.
    void flushed(std::uint64_t base);
    // The committer's, while both tables are empty: transaction `base` has put batch `last` into LMDB.
    void publish_below(const BatchMark& last, std::uint64_t base);

    Snapshot now() const;
    // That fits `txn`, which is an LMDB snapshot, and is begun anew when a flush was faster.
    Result<Snapshot> join(MDB_txn* txn) const;

 private:
    mutable std::mutex mutex_;
    Snapshot now_;  // guarded by mutex_
};

// Writes to LMDB what the tables of `snapshot` show, and that it holds everything up to its `last`. After an
// error `txn` can only be aborted.
Status write_tables(const LmdbEnv& env, MDB_txn* txn, const Snapshot& snapshot);

}  // namespace sigillo
