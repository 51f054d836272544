// What bounds the LMDB store. Every number has its unit, its default and the reason for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "appliance/base/result.h"

namespace sigillo {

struct LmdbConfig {
    // Made (mode 0700) when absent; on a local file system.
    std::string directory;

    // Bytes of address space = the most that the file can grow to. The file is as long as what was ever in
    // it, so that generosity costs nothing: 8 GiB hold some two million credentials.
    std::uint64_t map_bytes = std::uint64_t{8} << 30;

    // Snapshots open at one time. A view lasts microseconds, so more than the threads of the process never
    // help.
    std::size_t max_readers = 512;

    // Updates that may wait. At 2,000 commits a second this is two seconds of work at the very worst: whoever
    // comes later had better be told "busy" at once.
    std::size_t queue_limit = 4096;

    // Updates in one commit. More do not make the fsync cheaper, but a failing group longer to repeat one by
    // one.
    std::size_t group_limit = 256;

    // Bytes written by one commit, roughly: a group ends early there. A group is kept in memory as a whole.
    std::size_t group_bytes = std::size_t{32} << 20;

    // Bytes that one update may write: four values of the greatest size.
    std::size_t transaction_bytes = std::size_t{64} << 20;

    // How long the committer waits for more updates while there is load. Three quarters of what larger groups
    // can gain come with the first millisecond, and no signer notices it.
    std::chrono::microseconds linger{1000};

    // Health warns when this part of map_bytes is in use, in percent: early enough to order a disk.
    unsigned growth_alarm_percent = 80;

    // Health warns of a snapshot older than this: as long as it lives no page freed since can be used again.
    std::chrono::milliseconds reader_alarm{60'000};

    // Rows in memory and in the journal that are written to LMDB at one time: by their bytes of memory, of
    // which there are at most two such tables, and by their age. The longer they gather, the more of them
    // share a page of LMDB or are gone again; but every read looks there first, and a small table stays in
    // the processor's cache: 8 MiB are a second of work on two cores. Erased rows are in the journal as long.
    std::size_t flush_bytes = std::size_t{8} << 20;
    std::chrono::milliseconds flush_age{2'000};

    // Bytes of one file of the journal that make the rows go to LMDB, too: a batch takes whole blocks of 4
    // KiB, so that the journal of small updates grows faster than their rows.
    std::uint64_t journal_bytes = std::uint64_t{64} << 20;

    // Bytes free on the disk, beside those for all rows in memory, without which updates bypass the journal:
    // then LMDB itself says at once whether it has room. Enough for the journal's own files to grow.
    std::uint64_t disk_reserve = std::uint64_t{8} << 20;

    // How often the committer looks for dead readers and, after a failure, tries whether writing works again.
    std::chrono::milliseconds upkeep{1'000};

    // Whether the file's structure is checked before LMDB is trusted with it: lmdb_check.h. A store of
    // 100,000 credentials (440 MB) takes 0.2 s, or 1 s when nothing of it is in memory; whoever has millions
    // may prefer to check his copies instead.
    bool check_at_open = true;

    // Copies leave free pages out: smaller, and a second look at every page; but slower.
    bool compact_copies = true;
};

// kInvalidArgument with `field` = the number that makes no sense.
Status validate(const LmdbConfig& config);

}  // namespace sigillo
