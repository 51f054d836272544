#include "appliance/store/layers.h"

#include <lmdb.h>

namespace sigillo {
namespace {

Status write_table(const LmdbEnv& env, MDB_txn* txn, const MemTable& table, std::uint64_t sequence) {
    MemTable::Cursor rows(table, 0, sequence);
    for (rows.seek_first(); rows.live();) {
        SIGILLO_TRY(env.write(txn, rows.space(), rows.key(), rows.value()));
        SIGILLO_TRY(rows.next());
    }
    return {};
}

}  // namespace

void Layers::publish(const BatchMark& last) {
    const std::lock_guard lock(mutex_);
    now_.last = last;
}

void Layers::freeze(std::shared_ptr<const MemTable> active) {
    const std::lock_guard lock(mutex_);
    now_.frozen = std::exchange(now_.active, std::move(active));
}

void Layers::flushed(std::uint64_t base) {
    std::shared_ptr<const MemTable> dropped;  // a large one takes its time, which the lock is not held for
    const std::lock_guard lock(mutex_);
    dropped = std::exchange(now_.frozen, nullptr);
    now_.base = base;
}

void Layers::publish_below(const BatchMark& last, std::uint64_t base) {
    const std::lock_guard lock(mutex_);
    now_.last = last;
    now_.base = base;
}

Snapshot Layers::now() const {
    const std::lock_guard lock(mutex_);
    return now_;
}

Result<Snapshot> Layers::join(MDB_txn* txn) const {
    for (;;) {
        Snapshot snapshot = now();
        if (mdb_txn_id(txn) >= snapshot.base) return snapshot;
        mdb_txn_reset(txn);
        if (const int rc = mdb_txn_renew(txn); rc != 0)
            return std::unexpected(lmdb_error(rc, "mdb_txn_renew"));
    }
}

Status write_tables(const LmdbEnv& env, MDB_txn* txn, const Snapshot& snapshot) {
    if (snapshot.frozen) SIGILLO_TRY(write_table(env, txn, *snapshot.frozen, snapshot.last.sequence));
    if (snapshot.active) SIGILLO_TRY(write_table(env, txn, *snapshot.active, snapshot.last.sequence));
    return env.set_applied(txn, snapshot.last);
}

}  // namespace sigillo
