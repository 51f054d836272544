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

#include "appliance/audit/recorder.h"
#include "appliance/base/result.h"
#include "appliance/sigillod/newer_log_reader.h"

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
        kUnitRevoked,  // a time-stamping unit's certificate; id: its serial, text: the CRLReason, unit;
                       // until_ms
        kCrlNumber,    // number
        kOutcome,      // of an Intent that the store has open; epoch, number: that Intent; text: the result
        kUse,          // of a key, after the backup; epoch, number: its Intent; text: the result, or empty
        kSequence,     // number: the credential's running number; index: of the newest leaf that has one
    };
    Kind kind{};
    std::string id;
    std::string text;
    std::string reason;
    std::string unit{};  // kUnitRevoked
    std::int64_t time_ms = 0;
    std::int64_t until_ms = 0;  // kUnitRevoked: the certificate's end
    std::uint64_t epoch = 0;
    std::uint64_t number = 0;
    std::uint64_t index = 0;
    bool flag = false;               // kStatus: ordered by an officer; kQscd
    std::vector<Bytes> hashes{};     // kUse
    std::vector<Bytes> documents{};  // kUse of documents: what the signer authorised,
    std::vector<Bytes> messages{};   // and the message digests
    std::vector<std::string> formats{};
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

// Reads the logs that were set aside below the log directory (newer_log_reader.h). The same files give the
// same steps.
NewerLog read_newer_log(const audit::LogPlaces& places, const audit::LogIdentity& identity,
                        StorePosition from);

// In the caller's transaction, which logs. Returns what changed, for the log; empty: the store had it
// already, or has nothing of that name. Doing it twice changes nothing. A record that is damaged is left to
// the sweep. `uses_retention`: how long a use is listed.
Result<std::string> replay_step(audit::Recorder& recorder, const ReplayStep& step,
                                std::chrono::days uses_retention);

}  // namespace sigillo
