// The lower half of the daemon, which the ceremony and the seeder use too: HSM, store, log. Built in the
// order in which the members stand, destroyed in the reverse.
#pragma once

#include <memory>

#include "appliance/audit/log_guard.h"
#include "appliance/audit/log_identity.h"
#include "appliance/audit/recorder.h"
#include "appliance/audit/store_log.h"
#include "appliance/base/clock.h"
#include "appliance/base/logger.h"
#include "appliance/base/random.h"
#include "appliance/sigillod/config.h"
#include "appliance/store/lmdb_store.h"
#include "appliance/store/records.h"
#include "keystore/openssl/hsm_provider.h"
#include "keystore/pkcs11/pkcs11_key_store.h"

namespace sigillo {

struct Foundation {
    const DaemonConfig& config;
    const Clock& clock;
    Random& random;
    Logger& logger;
    std::unique_ptr<Pkcs11KeyStore> keys;
    std::unique_ptr<HsmProvider> provider;
    std::unique_ptr<RecordCodec> codec;
    std::unique_ptr<LmdbStore> store;
    std::unique_ptr<audit::LogIdentity> identity;
    audit::LogPlaces places;
    std::unique_ptr<audit::StoreLog> log;
    std::unique_ptr<audit::Ledger> ledger;
    audit::GuardReport guard;
};

// The store's directory (ours alone) and the log's, which auditors may read and nobody else may change. Made
// when absent; kForbidden, with the command that repairs it, when they are open to others.
Status prepare_directories(const DaemonConfig& config);

// Made with its parents and with `mode`; one that is there stays as it is.
Status make_directory(const std::filesystem::path& directory, std::filesystem::perms mode);

// Logs in, opens the store, holds it against the newest checkpoint that can be found. An officer's order to
// begin a new epoch (epoch_order.h) is carried out here, to its end. Errors: those of the parts, with what to
// do in `detail`; kCorrupt is a rollback, a truncation or a record that does not hold: nothing is served
// then.
Result<std::unique_ptr<Foundation>> lay_foundation(const DaemonConfig& config, const Clock& clock,
                                                   Random& random, Logger& logger);

}  // namespace sigillo
