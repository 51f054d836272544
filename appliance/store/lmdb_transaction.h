// Transactions as store.h has them, over the layers that the store consists of.
//
// An update's writes stand in a set of their own while its body runs, and join its group's when the body has
// said yes. So a body that fails leaves no trace.
//
// Internal to appliance/store. Not thread-safe.
#pragma once

#include <array>

#include "appliance/store/layers.h"
#include "appliance/store/write_set.h"

namespace sigillo {

// Reads through all layers, the newest first: write sets, the two tables, LMDB.
class LayeredRead {
 public:
    // `txn` and `snapshot` fit each other (Layers::join) and outlive this.
    LayeredRead(const LmdbEnv& env, MDB_txn* txn, const Snapshot& snapshot);
    // Over what is there; at most two.
    void lay(const WriteSet& set) { sets_[set_count_++] = &set; }

    // As ReadTransaction has them.
    Result<std::optional<ByteView>> get(Space space, ByteView key) const;
    Status scan(Space space, ByteView prefix, ByteView from, const ReadTransaction::Visit& visit) const;

 private:
    static constexpr std::size_t kMostSets = 2;
    const LmdbEnv& env_;
    MDB_txn* const txn_;
    // Oldest first; empty ones are left out.
    std::array<const WriteSet*, kMostSets> sets_{};
    std::size_t set_count_ = 0;
    std::array<const MemTable*, 2> tables_{};
    std::size_t table_count_ = 0;
    const std::uint64_t sequence_;
};

class ViewTransaction final : public ReadTransaction {
 public:
    explicit ViewTransaction(const LayeredRead& read) : read_(read) {}
    Result<std::optional<ByteView>> get(Space space, ByteView key) override { return read_.get(space, key); }
    Status scan(Space space, ByteView prefix, ByteView from, const Visit& visit) override {
        return read_.scan(space, prefix, from, visit);
    }

 private:
    const LayeredRead read_;
};

class UpdateTransaction final : public WriteTransaction {
 public:
    // Reads `below`; writes into memory of `arena`; refuses (kLimitExceeded) to write more than `limit`
    // bytes.
    UpdateTransaction(const LmdbEnv& env, const LayeredRead& below, std::pmr::memory_resource* arena,
                      std::size_t limit)
        : env_(env), read_(below), limit_(limit), writes_(arena) {
        read_.lay(writes_);
    }
    UpdateTransaction(const UpdateTransaction&) = delete;
    UpdateTransaction& operator=(const UpdateTransaction&) = delete;

    Result<std::optional<ByteView>> get(Space space, ByteView key) override { return read_.get(space, key); }
    Status scan(Space space, ByteView prefix, ByteView from, const Visit& visit) override;
    Status put(Space space, ByteView key, ByteView value) override;
    Status insert_once(Space space, ByteView key, ByteView value) override;
    Status erase(Space space, ByteView key) override;

    WriteSet& writes() { return writes_; }
    std::size_t bytes() const { return bytes_; }

 private:
    Status write(Space space, ByteView key, const RowValue& value);

    const LmdbEnv& env_;
    LayeredRead read_;
    const std::size_t limit_;
    WriteSet writes_;
    std::size_t bytes_ = 0;
    int scans_ = 0;  // that run now
};

}  // namespace sigillo
