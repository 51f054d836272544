// Transactions as store.h has them, over LMDB's.
//
// An update does not write to LMDB while its body runs: its writes stand in an overlay, and reach LMDB when
// the body has said yes. So a body that fails leaves no trace in the group's transaction, at the price of a
// map in an arena instead of LMDB's nested transactions, which copy whole pages.
//
// Internal to appliance/store. Not thread-safe.
#pragma once

#include <map>
#include <memory_resource>
#include <optional>

#include "appliance/store/lmdb_env.h"

namespace sigillo {

class LmdbReadTransaction final : public ReadTransaction {
 public:
    LmdbReadTransaction(const LmdbEnv& env, MDB_txn* txn) : env_(env), txn_(txn) {}
    Result<std::optional<ByteView>> get(Space space, ByteView key) override;
    Status scan(Space space, ByteView prefix, ByteView from, const Visit& visit) override;

 private:
    const LmdbEnv& env_;
    MDB_txn* const txn_;
};

class OverlayTransaction final : public WriteTransaction {
 public:
    // Reads from `txn`; takes memory from `arena`; refuses (kLimitExceeded) to hold more than `limit` bytes.
    OverlayTransaction(const LmdbEnv& env, MDB_txn* txn, std::pmr::memory_resource* arena, std::size_t limit)
        : env_(env), txn_(txn), arena_(arena), limit_(limit), writes_(arena) {}

    Result<std::optional<ByteView>> get(Space space, ByteView key) override;
    Status scan(Space space, ByteView prefix, ByteView from, const Visit& visit) override;
    Status put(Space space, ByteView key, ByteView value) override;
    Status insert_once(Space space, ByteView key, ByteView value) override;
    Status erase(Space space, ByteView key) override;

    // Writes everything to LMDB's transaction. After an error that one can only be aborted.
    Status apply();
    std::size_t bytes() const { return bytes_; }
    bool empty() const { return writes_.empty(); }

 private:
    struct Place {
        std::size_t space;
        ByteView key;
    };
    struct Before {
        bool operator()(const Place& a, const Place& b) const;
    };
    using Value = std::optional<ByteView>;  // none: erased
    using Writes = std::pmr::map<Place, Value, Before>;

    Status write(Space space, ByteView key, Value value);
    ByteView keep(ByteView bytes);

    const LmdbEnv& env_;
    MDB_txn* const txn_;
    std::pmr::memory_resource* const arena_;
    const std::size_t limit_;
    Writes writes_;
    std::size_t bytes_ = 0;
    int scans_ = 0;  // that run now
};

}  // namespace sigillo
