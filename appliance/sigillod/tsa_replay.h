// After a restore of the TSA's store: what the newest log at hand tells of its units beyond the store's own,
// done again. A unit that was retired, revoked or destroyed stays so. Tokens need nothing: they are in the
// log that was set aside, and serial numbers do not come from the store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/sigillod/newer_log_reader.h"

namespace sigillo {

struct UnitStep {
    enum class Kind : std::uint8_t { kCreated, kCertified, kActivated, kRetired, kRevoked, kDestroyed };
    Kind kind{};
    std::string unit;
    std::string revocation{};  // kRevoked: the CRLReason
    std::int64_t time_ms = 0;
};

struct NewerUnits {
    std::vector<UnitStep> steps;
    LogReading reading;
};

// The same files give the same steps.
NewerUnits read_newer_units(const audit::LogPlaces& places, const audit::LogIdentity& identity,
                            StorePosition from);

struct ReplayedUnits {
    std::vector<std::string> changes;  // for the log; empty: the store had it all
    std::vector<std::string> lost;     // units that the store has no record of; the token may have their keys
    std::vector<std::string> gaps;     // what only an officer can do again
};

// In the caller's transaction, which logs. Doing it twice changes nothing. A record that is damaged is left
// to the sweep. Keys of units that were destroyed go when the units are opened (tsa::Units::open).
Result<ReplayedUnits> replay_units(audit::Recorder& recorder, const std::vector<UnitStep>& steps);

}  // namespace sigillo
