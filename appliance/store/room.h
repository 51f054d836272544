// Whether what waits in memory for LMDB will find room there.
//
// An update is acknowledged when it is in the journal; that LMDB's file or the disk is full would show only
// when it is written to LMDB. So it goes through the journal only while there is more room than the worst
// that it can need; else it is written to LMDB at once, which then says itself whether it has room.
//
// Internal to appliance/store.
#pragma once

#include <cstdint>
#include <mutex>

#include "appliance/base/logger.h"
#include "appliance/store/lmdb_env.h"
#include "appliance/store/row_cursor.h"

namespace sigillo {

// Rows that are to be written to LMDB.
struct Load {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    std::uint64_t large_rows = 0;  // with pages of their own, which must lie side by side
    std::uint64_t large_bytes = 0;

    void add(ByteView key, const RowValue& value);
    Load& operator+=(const Load& more);
};

// The pages of LMDB's file.
struct Room {
    std::uint64_t page_size = 0;
    std::uint64_t used = 0;  // in use, or held by a snapshot
    std::uint64_t free = 0;  // of the limit, the rest
    std::uint64_t tail = 0;  // of the free ones: never used, all at the file's end
    std::uint64_t spaces = 0;
};
// Errors: LMDB's.
Result<Room> measure_room(const LmdbEnv& env);

// Thread-safe. Between two measurements room only grows: the store's own writes to LMDB are what takes it.
class RoomGauge {
 public:
    RoomGauge(const LmdbEnv& env, std::uint64_t disk_reserve, Logger& logger);
    // After each write to LMDB.
    void measure();
    bool fits(const Load& load) const;

 private:
    const LmdbEnv& env_;
    const std::uint64_t disk_reserve_;
    Logger& logger_;
    mutable std::mutex mutex_;
    Room room_;  // guarded by mutex_
};

}  // namespace sigillo
