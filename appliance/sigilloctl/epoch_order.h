// An officer's order to open a new epoch of the log, left in the store's directory while sigillod is stopped.
// sigillod carries it out at its next start and removes it: appliance/sigillod/epoch_order.h.
#pragma once

#include <filesystem>
#include <string>

#include "appliance/base/result.h"
#include "appliance/sigilloctl/context.h"

namespace sigillo::ctl {

// kConflict when sigillod answers on its admin socket, or something other than "nobody listens" is found
// there.
Status require_stopped(const Settings& settings);

// Writes <store>/epoch.order, {"officer","reason","time"}, atomic and durable, for the store's
// owner; `store` is store.directory, or tsa.store_directory for the TSA's. The officer is this process's real
// user, or who called sudo. kAlreadyExists: an order waits there already. After a restore the order says so:
// {"backup","newer_log"} as sigillod's epoch_order.h has them.
struct RestoredFrom {
    std::string backup_time;  // RFC 3339; empty: not after a restore
    bool newer_log = false;   // the log directory holds a log newer than the backup's
};
Status write_epoch_order(const std::filesystem::path& store, const std::string& reason,
                         const RestoredFrom& restored = {});

// The name of the user who gives orders offline: "alice (uid 1000)".
std::string officer_name();

}  // namespace sigillo::ctl
