// LMDB's environment and transactions as owned objects, and its error numbers in our words.
//
// Internal to appliance/store: lmdb.h is included by its .cc files only.
#pragma once

#include <sys/types.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/file.h"
#include "appliance/base/result.h"
#include "appliance/store/journal_format.h"
#include "appliance/store/lmdb_check.h"
#include "appliance/store/lmdb_config.h"
#include "appliance/store/row_cursor.h"
#include "appliance/store/store.h"

struct MDB_env;
struct MDB_txn;

namespace sigillo {

// Bounds of store.h. LMDB's own limit for keys is 511 bytes.
inline constexpr std::size_t kMaxKeySize = 400;
inline constexpr std::size_t kMaxValueSize = std::size_t{16} << 20;
// Where a scan begins may be a little more than a key ("after this one"), but must fit LMDB.
inline constexpr std::size_t kMaxSeekSize = 511;

// kStorageFull: MDB_MAP_FULL, ENOSPC, EDQUOT, EFBIG. kCorrupt: what LMDB finds damaged. kUnavailable: the
// rest. `native` is the number.
Error lmdb_error(int rc, const std::string& what);

// Aborts the transaction that it still owns at its end.
struct AbortTxn {
    void operator()(MDB_txn* txn) const;
};
using LmdbTxn = std::unique_ptr<MDB_txn, AbortTxn>;

// The kind of a network file system whose statfs(2) type this is ("NFS"), or nothing: LMDB's shared memory
// and locks do not hold across machines.
std::string_view network_file_system(long type);

// An open environment. Thread-safe but for the destructor. Of one directory there is only one at a time, in
// this and in all processes.
class LmdbEnv {
 public:
    // Also creates what is missing of directory, files and spaces, durably. kUnsupported on a network file
    // system, kConflict when the store is open already, kCorrupt when its file is not LMDB's or is damaged.
    static Result<std::unique_ptr<LmdbEnv>> open(const LmdbConfig& config, std::span<const Space> spaces);
    ~LmdbEnv();
    LmdbEnv(const LmdbEnv&) = delete;
    LmdbEnv& operator=(const LmdbEnv&) = delete;

    // kInternal in a process that was forked off the one that opened it: LMDB's locks do not survive that.
    Status usable() const;

    // kInvalidArgument for a space that was not given to open().
    Result<std::size_t> index_of(Space space) const;
    Space space(std::size_t index) const { return spaces_[index].space; }
    unsigned dbi(std::size_t index) const { return spaces_[index].dbi; }
    std::size_t space_count() const { return spaces_.size(); }
    std::vector<Space> spaces() const;
    const std::string& directory() const { return directory_; }
    MDB_env* raw() const { return env_.get(); }

    Result<LmdbTxn> begin(bool read_only) const;
    // Durable on return. On an error nothing of it happened; but with MDB_PANIC in `native`, that LMDB could
    // not write its head page, that is open, and LMDB refuses every write until the process starts anew.
    Status commit(LmdbTxn txn) const;

    // Writes a row, or erases it.
    Status write(MDB_txn* txn, std::size_t index, ByteView key, const RowValue& value) const;
    // The journal's last batch that is in LMDB.
    Result<BatchMark> applied(MDB_txn* txn) const;
    Status set_applied(MDB_txn* txn, const BatchMark& mark) const;

    // What was found when it was opened; zeroes when it was not checked.
    const StoreFileSummary& found() const { return found_; }

    // Bytes that the file can grow to, and that it can grow by on its disk and within RLIMIT_FSIZE.
    std::uint64_t bytes_limit() const;
    std::uint64_t disk_room() const;

    // Frees the slots of readers that died. Returns how many.
    Result<int> clear_dead_readers();

    // A consistent copy, into a file that is open for writing; not synced.
    Status copy_to(int fd, bool compact);

 private:
    struct CloseEnv {
        void operator()(MDB_env* env) const;
    };
    struct OpenSpace {
        Space space;
        unsigned dbi;
    };
    LmdbEnv() = default;
    Status create_directory();
    Status open_env(const LmdbConfig& config, std::size_t space_count);
    Status open_spaces(std::span<const Space> spaces);

    std::string directory_;
    pid_t owner_ = 0;
    StoreFileSummary found_;
    UniqueFd directory_fd_;  // holds the lock that keeps others out
    std::unique_ptr<MDB_env, CloseEnv> env_;
    std::vector<OpenSpace> spaces_;
    unsigned state_dbi_ = 0;  // the store's own; in no space
};

}  // namespace sigillo
