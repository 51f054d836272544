// After a restore: what the newest log at hand tells beyond the store's own, and doing it again. What was
// taken away must stay taken away: revocations, suspensions, deletions, removed clients. What was made after
// the backup is lost; the leaves name it, and hold no keys. Uses of keys that the backup has are listed
// again.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "appliance/audit/log_identity.h"
#include "appliance/audit/log_places.h"
#include "appliance/audit/recorder.h"
#include "appliance/base/result.h"

namespace sigillo {

struct ReplayStep {
    enum class Kind : std::uint8_t {
        kStatus,       // text: active, suspended, revoked
        kDeleted,      // a credential
        kCertificate,  // was imported: the leaf has its digest only
        kQscd,         // flag
        kFactorDeleted,
        kPinChanged,  // the backup has the old PIN: locked until an officer unlocks it
        kClientRemoved,
        kCrlNumber,  // number
        kOutcome,    // of an Intent that the store has open; epoch, number: that Intent; text: the result
        kUse,        // of a key, after the backup; epoch, number: its Intent; text: the result, or empty
        kSequence,   // number: the credential's running number; index: of the newest leaf that has one
    };
    Kind kind{};
    std::string id;
    std::string text;
    std::string reason;
    std::int64_t time_ms = 0;
    std::uint64_t epoch = 0;
    std::uint64_t number = 0;
    std::uint64_t index = 0;
    bool flag = false;                // kStatus: ordered by an officer; kQscd
    std::vector<Bytes> hashes{};      // kUse
    std::string hash_oid{};           // kUse
    std::vector<Bytes> signatures{};  // kOutcome, kUse: SHA-256 of each
};

struct NewerLog {
    std::vector<ReplayStep> steps;  // in the order in which they are to be done
    std::uint64_t leaves = 0;       // read beyond the store's own
    // Made after the backup: clients, credentials, factors, signers; and uses that are too many to be listed
    // again, which the log has.
    std::map<std::string, std::uint64_t> lost;
    std::vector<std::string> gaps;  // why this may not be all, for an officer to read
};

struct StorePosition {
    std::uint64_t store_epoch = 1;
    audit::Frontier tree;         // of the store's log in that epoch
    std::uint64_t new_epoch = 2;  // logs of the epochs below it are read
};

// Reads the logs that were set aside below the log directory. A log is believed when the store's own tree,
// with the leaves read appended, comes to the root of its signed checkpoint: then they are genuine, and
// follow on what the store has. One that does not, that is damaged, or that ends before the newest checkpoint
// known is a gap. The same files give the same steps.
NewerLog read_newer_log(const audit::LogPlaces& places, const audit::LogIdentity& identity,
                        StorePosition from);

// In the caller's transaction, which logs. Returns what changed, for the log; empty: the store had it
// already, or has nothing of that name. Doing it twice changes nothing. A record that is damaged is left to
// the sweep. `uses_retention`: how long a use is listed.
Result<std::string> replay_step(audit::Recorder& recorder, const ReplayStep& step,
                                std::chrono::days uses_retention);

}  // namespace sigillo
