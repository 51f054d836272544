#include "appliance/store/lmdb_readers.h"

#include <lmdb.h>

#include <algorithm>

namespace sigillo {

Result<LmdbReaders::Lease> LmdbReaders::snapshot() {
    Place place;
    {
        const std::lock_guard lock(mutex_);
        if (active_.size() >= limit_)
            return fail(Errc::kUnavailable, "too many snapshots of the store are open", "max_readers");
        if (idle_.empty()) idle_.emplace_back();
        active_.splice(active_.end(), idle_, idle_.begin());
        place = std::prev(active_.end());
        place->since = clock_.boot_now();
    }
    Lease lease(this, place);  // gives the place back on an error
    if (place->txn) {
        if (mdb_txn_renew(place->txn.get()) == 0) return lease;
        place->txn.reset();
    }
    SIGILLO_ASSIGN(place->txn, env_.begin(true));
    return lease;
}

LmdbReaders::Lease LmdbReaders::note() {
    const std::lock_guard lock(mutex_);
    active_.emplace_back();
    active_.back().since = clock_.boot_now();
    return {this, std::prev(active_.end())};
}

void LmdbReaders::give_back(Place place) {
    if (place->txn) mdb_txn_reset(place->txn.get());
    const std::lock_guard lock(mutex_);
    if (place->txn) {
        idle_.splice(idle_.begin(), active_, place);  // the one used last is warm
    } else {
        active_.erase(place);
    }
}

std::chrono::milliseconds LmdbReaders::oldest() const {
    const std::lock_guard lock(mutex_);
    if (active_.empty()) return {};
    return std::max(BootTime(0), clock_.boot_now() - active_.front().since);
}

}  // namespace sigillo
