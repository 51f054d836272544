#include "appliance/store/room.h"

#include <lmdb.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

namespace sigillo {
namespace {

// LMDB's table of free pages: documented for mdb_stat(1) alone, and the same since its first release.
constexpr MDB_dbi kFreeDbi = 0;

// A row that is larger has pages of its own: LMDB puts at least two into a page of 4 KiB.
constexpr std::size_t kLargeRow = 2000;

// Pages that a write to LMDB takes beside those of its rows: roots, table of free pages; and for each space.
constexpr std::uint64_t kSparePages = 32;
constexpr std::uint64_t kPagesOfASpace = 4;

struct CloseCursor {
    void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};

// mdb_reader_list's lines: "pid thread txnid", with "-" for a txnid of none.
int note_oldest(const char* line, void* context) {
    int pid = 0;
    std::size_t thread = 0;
    std::size_t txn_id = 0;
    if (std::sscanf(line, "%d %zx %zu", &pid, &thread, &txn_id) == 3) {
        auto& oldest = *static_cast<std::size_t*>(context);
        oldest = std::min(oldest, txn_id);
    }
    return 0;
}

// Free pages: id of the transaction that freed them → their number, and the pages. They can be used again
// when no snapshot is as old as that transaction.
Result<std::uint64_t> reusable_pages(MDB_txn* txn, std::size_t oldest) {
    MDB_cursor* raw = nullptr;
    if (const int rc = mdb_cursor_open(txn, kFreeDbi, &raw); rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_cursor_open"));
    const std::unique_ptr<MDB_cursor, CloseCursor> cursor(raw);
    std::uint64_t reusable = 0;
    MDB_val key{};
    MDB_val value{};
    int rc = mdb_cursor_get(raw, &key, &value, MDB_FIRST);
    for (; rc == 0; rc = mdb_cursor_get(raw, &key, &value, MDB_NEXT)) {
        std::size_t freed_by = 0;
        std::size_t pages = 0;
        if (key.mv_size != sizeof freed_by || value.mv_size < sizeof pages)
            return fail(Errc::kCorrupt, "the store's table of free pages is malformed");
        std::memcpy(&freed_by, key.mv_data, sizeof freed_by);
        std::memcpy(&pages, value.mv_data, sizeof pages);
        if (freed_by >= oldest) break;
        reusable += pages;
    }
    if (rc != 0 && rc != MDB_NOTFOUND) return std::unexpected(lmdb_error(rc, "read the table of free pages"));
    return reusable;
}

}  // namespace

void Load::add(ByteView key, const RowValue& value) {
    const std::size_t size = key.size() + (value ? value->size() : 0);
    ++rows;
    bytes += size;
    if (size > kLargeRow) {
        ++large_rows;
        large_bytes += size;
    }
}

Load& Load::operator+=(const Load& more) {
    rows += more.rows;
    bytes += more.bytes;
    large_rows += more.large_rows;
    large_bytes += more.large_bytes;
    return *this;
}

Result<Room> measure_room(const LmdbEnv& env) {
    SIGILLO_ASSIGN(const LmdbTxn txn, env.begin(true));
    std::size_t oldest = mdb_txn_id(txn.get());
    if (const int rc = mdb_reader_list(env.raw(), note_oldest, &oldest); rc < 0)
        return std::unexpected(lmdb_error(rc, "mdb_reader_list"));
    MDB_envinfo info{};
    MDB_stat stat{};
    if (const int rc = mdb_env_info(env.raw(), &info); rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_env_info"));
    if (const int rc = mdb_env_stat(env.raw(), &stat); rc != 0)
        return std::unexpected(lmdb_error(rc, "mdb_env_stat"));
    SIGILLO_ASSIGN(const std::uint64_t reusable, reusable_pages(txn.get(), oldest));

    Room room;
    room.page_size = stat.ms_psize;
    const std::uint64_t pages = std::uint64_t{info.me_last_pgno} + 1;
    const std::uint64_t limit = info.me_mapsize / room.page_size;
    room.used = pages - std::min(reusable, pages);
    room.free = limit - std::min(room.used, limit);
    room.tail = limit - std::min(pages, limit);
    room.spaces = env.space_count();
    return room;
}

RoomGauge::RoomGauge(const LmdbEnv& env, std::uint64_t disk_reserve, Logger& logger)
    : env_(env), disk_reserve_(disk_reserve), logger_(logger) {
    measure();
}

void RoomGauge::measure() {
    auto room = measure_room(env_);
    if (!room) logger_.warning("store_room_unknown", {{"error", room.error()}});
    const std::lock_guard lock(mutex_);
    room_ = room ? *room : Room();  // unknown: none
}

bool RoomGauge::fits(const Load& load) const {
    Room room;
    {
        const std::lock_guard lock(mutex_);
        room = room_;
    }
    if (room.page_size == 0) return false;
    // Each row can make one page of those in use be written anew; new rows fill pages at least by half.
    const std::uint64_t rewritten = std::min(load.rows, room.used);
    const std::uint64_t large = load.large_bytes / room.page_size + 2 * load.large_rows;
    const std::uint64_t pages = rewritten + rewritten / 8 + large +
                                2 * (load.bytes - load.large_bytes) / room.page_size + kSparePages +
                                kPagesOfASpace * room.spaces;
    if (pages > room.free || large > room.tail) return false;
    const std::uint64_t disk = env_.disk_room();
    return disk >= disk_reserve_ && disk - disk_reserve_ >= pages * room.page_size;
}

}  // namespace sigillo
