#include "appliance/sigillod/foundation.h"

#include "appliance/sigillod/epoch_order.h"
#include "hardening/hardening.h"

namespace sigillo {
namespace {

constexpr std::string_view kOverrideCommand = "sigilloctl log override --reason TEXT";

Result<std::unique_ptr<Pkcs11KeyStore>> open_hsm(const HsmSettings& settings, Random& random,
                                                 Logger& logger) {
    Pkcs11Config config;
    config.token_uri = settings.token;
    SIGILLO_ASSIGN(config.pin, read_pin_file(settings.pin_file));
    config.max_sessions = settings.max_sessions;
    config.max_generations = settings.max_generations;
    config.session_wait = settings.session_wait;
    config.slow_call = settings.slow_call;
    config.slow_generation = settings.slow_generation;
    config.recovery_pause = settings.recovery_pause;
    return Pkcs11KeyStore::create(std::move(config), random, logger);
}

// Checkpoints there are signed, so that others can take them away and not forge them. A warning, since a
// mount of another kind (FAT, a share) may not know our modes; one that is away is health's business.
void look_at_anchors(const DaemonConfig& config, Logger& logger) {
    for (const std::string& anchor : config.log_anchors) {
        const Status guarded = check_guarded_directory(anchor);
        if (!guarded && guarded.error().code == Errc::kForbidden)
            logger.warning("anchor_open_to_others", {{"error", guarded.error()}});
    }
}

}  // namespace

Status make_directory(const std::filesystem::path& directory, std::filesystem::perms mode) {
    std::error_code code;
    const bool made = std::filesystem::create_directories(directory, code);
    if (!code && made) std::filesystem::permissions(directory, mode, code);
    if (code) return std::unexpected(errno_error(code.value(), "make " + directory.string()));
    return {};
}

Status prepare_directories(const DaemonConfig& config) {
    using std::filesystem::perms;
    SIGILLO_TRY(make_directory(config.store.directory, perms::owner_all));
    SIGILLO_TRY(
        make_directory(config.log_directory, perms::owner_all | perms::group_read | perms::group_exec));
    SIGILLO_TRY(check_private_directory(config.store.directory));
    return check_guarded_directory(config.log_directory);
}

Result<std::unique_ptr<Foundation>> lay_foundation(const DaemonConfig& config, const Clock& clock,
                                                   Random& random, Logger& logger) {
    auto base = std::make_unique<Foundation>(Foundation{config, clock, random, logger});
    SIGILLO_ASSIGN(base->keys, open_hsm(config.hsm, random, logger));
    SIGILLO_ASSIGN(base->provider, HsmProvider::create());
    // One call to the HSM gives the key of all record MACs: see records.h.
    SIGILLO_ASSIGN(SecretBytes mac_key, base->keys->mac(MacRole::kRecords, as_bytes("sigillo record mac 1")));
    base->codec = std::make_unique<RecordCodec>(std::move(mac_key));

    SIGILLO_TRY(prepare_directories(config));
    look_at_anchors(config, logger);
    SIGILLO_ASSIGN(base->store, LmdbStore::open(config.store, kAllSpaces, clock, logger));

    SIGILLO_ASSIGN(auto log_key, base->keys->role_key(KeyRole::kLog));
    SIGILLO_ASSIGN(auto identity, audit::LogIdentity::create(config.log_origin, std::move(log_key)));
    base->identity = std::make_unique<audit::LogIdentity>(std::move(identity));
    base->places.directory = config.log_directory;
    base->places.anchors.assign(config.log_anchors.begin(), config.log_anchors.end());
    base->places.store = config.store.directory;
    base->log = std::make_unique<audit::StoreLog>(config.log_directory);
    base->ledger = std::make_unique<audit::Ledger>(*base->store, *base->codec, *base->log, clock);

    SIGILLO_TRY(carry_out_epoch_order(*base));
    SIGILLO_ASSIGN(base->guard, audit::guard_log(*base->store, *base->log, *base->identity, base->places,
                                                 kOverrideCommand));
    for (const std::string& warning : base->guard.warnings)
        logger.warning("log_guard", {{"warning", warning}});
    base->ledger->set_epoch(base->guard.epoch.number);
    SIGILLO_TRY(harden_epoch(*base));
    return base;
}

}  // namespace sigillo
