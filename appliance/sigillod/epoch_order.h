// An officer's order to go on although the store is not the one that was published: after a restore, or
// because there is nothing better. sigilloctl leaves it beside the store, sigillod carries it out at its next
// start, once.
//
// `<store.directory>/epoch.order`, JSON {"officer","reason","time"}, after a restore also {"backup": when it
// was made, "newer_log": whether the log directory holds a log newer than the backup's}.
//
// 1. A new epoch of the log is opened; in the same transaction the store remembers the order's SHA-256, so
// that
//    the same file never opens another.
// 2. Every SAD is erased; every accepted OTP step is raised past now, because the store cannot know what was
// spent
//    after it was copied; what the newest log at hand tells beyond the store's own is done again
//    (log_replay.h). In many small transactions, each of which says how far it came: cut short, the next
//    start goes on.
// 3. "epoch.hardened" says what was done and what could not be; the file is removed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo {

struct Foundation;

// What the file of an order says; nothing when there is none.
struct WrittenOrder {
    std::string officer;
    std::string reason;
    std::string backup_time;  // after a restore without a newer log; else empty
    Sha256Value digest{};     // of the file
};
Result<std::optional<WrittenOrder>> read_epoch_order(const std::filesystem::path& path);

// Step 1, before guard_log(). No file, or one that was carried out: nothing. kInvalidArgument when the file
// is not an order; errors of open_epoch().
Status carry_out_epoch_order(Foundation& base);

// Steps 2 and 3, after guard_log() and before anything is served. Nothing when there is nothing left to do.
Status harden_epoch(Foundation& base);

}  // namespace sigillo
