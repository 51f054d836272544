// Snapshots for view(): LMDB read transactions, reset and renewed instead of made anew, and a note of since
// when each has been in use.
//
// Internal to appliance/store. Thread-safe; leases must end before the pool does.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include "appliance/base/clock.h"
#include "appliance/store/lmdb_env.h"

namespace sigillo {

class LmdbReaders {
 private:
    struct Reader {
        LmdbTxn txn;  // none for a copy, whose snapshot is inside LMDB
        BootTime since{};
    };
    using Place = std::list<Reader>::iterator;

 public:
    class Lease {
     public:
        Lease(Lease&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), place_(other.place_) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Lease& operator=(Lease&&) = delete;
        ~Lease() {
            if (pool_ != nullptr) pool_->give_back(place_);
        }
        MDB_txn* txn() const { return place_->txn.get(); }

     private:
        friend class LmdbReaders;
        Lease(LmdbReaders* pool, Place place) : pool_(pool), place_(place) {}
        LmdbReaders* pool_;
        Place place_;
    };

    LmdbReaders(const LmdbEnv& env, const Clock& clock, std::size_t limit)
        : env_(env), clock_(clock), limit_(limit) {}

    // kUnavailable when `limit` snapshots are open.
    Result<Lease> snapshot();
    // Stands for a snapshot that somebody else holds.
    Lease note();

    // Age of the oldest lease; none: 0.
    std::chrono::milliseconds oldest() const;

 private:
    void give_back(Place place);

    const LmdbEnv& env_;
    const Clock& clock_;
    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::list<Reader> active_;  // guarded by mutex_, as is idle_; oldest first
    std::list<Reader> idle_;
};

}  // namespace sigillo
