#include "appliance/sigillod/tsa_foundation.h"

#include "appliance/base/file.h"
#include "appliance/sigillod/tsa_epoch.h"
#include "hardening/hardening.h"
#include "tsa/tables.h"

namespace sigillo {
namespace {

constexpr std::string_view kOverrideCommand = "sigilloctl log override --tsa --reason TEXT";

Result<std::unique_ptr<Pkcs11TokenKeys>> open_token(const TsaSettings& settings, Random& random,
                                                    Logger& logger) {
    TokenKeysConfig config;
    config.token.token_uri = settings.token;
    SIGILLO_ASSIGN(config.token.pin, read_pin_file(settings.pin_file));
    config.token.max_sessions = settings.max_sessions;
    config.token.session_wait = settings.session_wait;
    config.token.slow_call = settings.slow_call;
    config.token.slow_generation = settings.slow_generation;
    config.token.recovery_pause = settings.recovery_pause;
    config.token_directory = settings.token_directory;
    return Pkcs11TokenKeys::create(std::move(config), random, logger);
}

Result<std::shared_ptr<SigningKey>> log_key(TokenKeys& keys, bool make) {
    auto key = keys.open(kTsaLogKey);
    if (key || key.error().code != Errc::kNotFound) return key;
    if (!make)
        return fail(Errc::kNotFound, std::string("token sigillo-tsa has no key ") + kTsaLogKey +
                                         ": hold the ceremony (sigillod ceremony)");
    SIGILLO_TRY(keys.create(kTsaLogKey, KeyAlgorithm::kEd25519));
    return keys.open(kTsaLogKey);
}

}  // namespace

Status prepare_tsa_directories(const TsaSettings& settings) {
    using std::filesystem::perms;
    SIGILLO_TRY(make_directory(settings.store.directory, perms::owner_all));
    SIGILLO_TRY(
        make_directory(settings.log_directory, perms::owner_all | perms::group_read | perms::group_exec));
    SIGILLO_TRY(check_private_directory(settings.store.directory));
    return check_guarded_directory(settings.log_directory);
}

Result<std::unique_ptr<TsaFoundation>> lay_tsa_foundation(const Foundation& base, const TsaSettings& settings,
                                                          bool make_log_key) {
    auto tsa = std::make_unique<TsaFoundation>(TsaFoundation{settings});
    SIGILLO_ASSIGN(tsa->keys, open_token(settings, base.random, base.logger));
    // Rows of this store are of no use in the other one: another key for their MACs.
    SIGILLO_ASSIGN(SecretBytes mac_key,
                   base.keys->mac(MacRole::kRecords, as_bytes("sigillo tsa record mac 1")));
    tsa->codec = std::make_unique<RecordCodec>(std::move(mac_key));
    SIGILLO_TRY(prepare_tsa_directories(settings));
    SIGILLO_ASSIGN(tsa->store, LmdbStore::open(settings.store, tsa::kTsaSpaces, base.clock, base.logger));

    SIGILLO_ASSIGN(auto key, log_key(*tsa->keys, make_log_key));
    SIGILLO_ASSIGN(auto identity, audit::LogIdentity::create(settings.log_origin, std::move(key)));
    tsa->identity = std::make_unique<audit::LogIdentity>(std::move(identity));
    tsa->places.directory = settings.log_directory;
    tsa->places.anchors.assign(settings.log_anchors.begin(), settings.log_anchors.end());
    tsa->places.store = settings.store.directory;
    tsa->log = std::make_unique<audit::StoreLog>(settings.log_directory);
    tsa->ledger = std::make_unique<audit::Ledger>(*tsa->store, *tsa->codec, *tsa->log, base.clock);

    SIGILLO_TRY(carry_out_tsa_order(base, *tsa));
    SIGILLO_ASSIGN(tsa->guard,
                   audit::guard_log(*tsa->store, *tsa->log, *tsa->identity, tsa->places, kOverrideCommand));
    for (const std::string& warning : tsa->guard.warnings)
        base.logger.warning("tsa_log_guard", {{"warning", warning}});
    tsa->ledger->set_epoch(tsa->guard.epoch.number);
    return tsa;
}

}  // namespace sigillo
