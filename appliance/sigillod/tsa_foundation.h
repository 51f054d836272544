// The lower half of the TSA, which the ceremony uses too: token sigillo-tsa, store, log. Built in the order
// in which the members stand, destroyed in the reverse.
#pragma once

#include <memory>

#include "appliance/audit/log_guard.h"
#include "appliance/audit/log_identity.h"
#include "appliance/audit/log_places.h"
#include "appliance/audit/recorder.h"
#include "appliance/audit/store_log.h"
#include "appliance/sigillod/foundation.h"
#include "appliance/sigillod/tsa_config.h"
#include "keystore/pkcs11/pkcs11_token_keys.h"

namespace sigillo {

// Label of the key that signs the checkpoints of the TSA's log.
inline constexpr const char* kTsaLogKey = "sigillo-tsa-log";

struct TsaFoundation {
    const TsaSettings& settings;
    std::unique_ptr<Pkcs11TokenKeys> keys;
    std::unique_ptr<RecordCodec> codec;
    std::unique_ptr<LmdbStore> store;
    std::unique_ptr<audit::LogIdentity> identity;
    audit::LogPlaces places;
    std::unique_ptr<audit::StoreLog> log;
    std::unique_ptr<audit::Ledger> ledger;
    audit::GuardReport guard;
};

// Made when absent, as prepare_directories() does for the signing store.
Status prepare_tsa_directories(const TsaSettings& settings);

// Logs in to the token, opens store and log, and holds the log against its newest checkpoint. `base`: of the
// signing half, for clock, randomness, logger, and the HSM that gives the key of the record MACs; it outlives
// the result. An officer's order of a new epoch (`<tsa.store_directory>/epoch.order`, as `sigilloctl log
// override --tsa` writes it) is carried out first. With `make_log_key` a log key that is absent is made: that
// is the ceremony's. Errors: those of the parts.
Result<std::unique_ptr<TsaFoundation>> lay_tsa_foundation(const Foundation& base, const TsaSettings& settings,
                                                          bool make_log_key = false);

}  // namespace sigillo
