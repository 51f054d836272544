// Before anything is signed: is the log in the store the one that was published?
//
// The store is held against every checkpoint that can be found. It may be ahead of them (a crash between
// commit and publication), never behind, and never another tree. Reads O(log size) hashes for each
// checkpoint, and the leaves that are not published yet.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "appliance/audit/log_identity.h"
#include "appliance/audit/log_places.h"
#include "appliance/audit/store_log.h"

namespace sigillo::audit {

struct GuardReport {
    LogEpoch epoch;
    std::uint64_t size = 0;                       // of the log in the store
    std::optional<std::filesystem::path> newest;  // where the newest checkpoint was found
    std::uint64_t newest_size = 0;
    std::vector<std::string> warnings;  // anchors out of reach
};

// In a store without a log where no checkpoint is found either, begins epoch 1. Otherwise checks, and
// finishes an open_epoch() that was cut short. `override_command` is named in refusals. kCorrupt: a rollback,
// a truncation, a fork, a checkpoint that is not signed by the log's key, or an anchor that has lost its own;
// the detail names both sizes and places and the way out. Must not run while a Publisher does.
Result<GuardReport> guard_log(Store& store, const StoreLog& log, const LogIdentity& identity,
                              const LogPlaces& places, std::string_view override_command);

struct EpochOrder {
    std::string officer;  // opaque name of who ordered it
    std::string reason;
    WallTime time;
    // Runs in the same transaction, after the first leaf: what else a restore has to void, raise and replay.
    std::function<Status(WriteTransaction& txn, const LogEpoch& epoch)> also;
};

// The officer's override: leaves the log as it was found and begins a new one, whose first leaf tells of the
// old.
//
// The new epoch's number is above that of the store and of every checkpoint found. What was published moves
// to epochs/<old number>/ below the log directory and stays verifiable there; leaves of the store that were
// not packed yet are kept beside it in unpublished-<first index>.entries (an entry bundle of any length).
// Must not run while a Publisher does. Durable on return; cut short, guard_log() finishes it. kConflict when
// epochs/<old number>/ is taken by something else.
Result<LogEpoch> open_epoch(Store& store, StoreLog& log, const LogIdentity& identity, const LogPlaces& places,
                            const EpochOrder& order);

}  // namespace sigillo::audit
