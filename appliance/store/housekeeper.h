// Erases what is due in kExpiries (expiry.h). It decides nothing: whoever wrote an entry said until when it
// counts, and nobody uses one past that time, erased or not.
#pragma once

#include <cstddef>

#include "appliance/base/clock.h"
#include "appliance/store/store.h"

namespace sigillo {

struct HousekeeperConfig {
    // Entries erased in one transaction: some milliseconds of the committer's time, so that signing never
    // notices.
    std::size_t batch = 256;
    // Batches in one run: what is left waits for the next one, instead of a backlog keeping the store busy.
    std::size_t batches_per_run = 64;
};

// Thread-safe as long as one run goes on at a time; others may use the store meanwhile. `store` must outlive
// it.
class Housekeeper {
 public:
    Housekeeper(Store& store, HousekeeperConfig config) : store_(store), config_(config) {}

    // Erases what is due at `now`, oldest first. The caller does not run it while the clock is distrusted (a
    // clock that jumps ahead would make everything due). kCorrupt, with its place, when an expiry is
    // malformed or names a space whose entries do not expire: it is left where it is, the others are erased
    // all the same. Otherwise the store's errors.
    Status run_once(WallTime now);

 private:
    Store& store_;
    const HousekeeperConfig config_;
};

}  // namespace sigillo
