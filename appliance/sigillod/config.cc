#include "appliance/sigillod/config.h"

#include <algorithm>

#include "appliance/base/config_file.h"
#include "appliance/base/file.h"

namespace sigillo {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kDayS = 86'400;

void read_hsm(ConfigFile& file, HsmSettings& hsm) {
    file.required_text("hsm.token", hsm.token)
        .required_text("hsm.pin_file", hsm.pin_file)
        .text("hsm.token_directory", hsm.token_directory)
        .count("hsm.max_sessions", hsm.max_sessions, 1, 256)
        .count("hsm.max_generations", hsm.max_generations, 1, 256)
        .duration("hsm.session_wait_ms", hsm.session_wait, 10, 300'000)
        .duration("hsm.slow_call_ms", hsm.slow_call, 10, 600'000)
        .duration("hsm.slow_generation_ms", hsm.slow_generation, 10, 3'600'000)
        .duration("hsm.recovery_pause_ms", hsm.recovery_pause, 10, 60'000)
        .text("hsm.ca_algorithm", hsm.ca_algorithm);
    if (hsm.ca_algorithm != "EC-P256" && hsm.ca_algorithm != "EC-P384")
        file.complain("hsm.ca_algorithm", R"(must be "EC-P256" or "EC-P384")");
}

void read_store(ConfigFile& file, LmdbConfig& store, HousekeeperConfig& housekeeper) {
    std::int64_t map_mib = static_cast<std::int64_t>(store.map_bytes) / kMiB;
    std::int64_t flush_mib = static_cast<std::int64_t>(store.flush_bytes) / kMiB;
    std::int64_t journal_mib = static_cast<std::int64_t>(store.journal_bytes) / kMiB;
    std::int64_t reserve_mib = static_cast<std::int64_t>(store.disk_reserve) / kMiB;
    file.required_text("store.directory", store.directory)
        .integer("store.map_size_mib", map_mib, 16, std::int64_t{16} << 20)
        .count("store.max_readers", store.max_readers, 16, 10'000)
        .count("store.queue_limit", store.queue_limit, 16, 1'000'000)
        .count("store.group_limit", store.group_limit, 1, 10'000)
        .duration("store.linger_us", store.linger, 0, 100'000)
        .count("store.growth_alarm_percent", store.growth_alarm_percent, 1, 99)
        .duration("store.reader_alarm_ms", store.reader_alarm, 1'000, 3'600'000)
        .integer("store.flush_mib", flush_mib, 1, 1'024)
        .duration("store.flush_age_ms", store.flush_age, 10, 600'000)
        .integer("store.journal_mib", journal_mib, 1, 4'096)
        .integer("store.disk_reserve_mib", reserve_mib, 1, 1'048'576)
        .count("store.housekeeping_batch", housekeeper.batch, 1, 10'000);
    store.map_bytes = static_cast<std::uint64_t>(map_mib * kMiB);
    store.flush_bytes = static_cast<std::size_t>(flush_mib * kMiB);
    store.journal_bytes = static_cast<std::uint64_t>(journal_mib * kMiB);
    store.disk_reserve = static_cast<std::uint64_t>(reserve_mib * kMiB);
}

void read_retention(ConfigFile& file, DaemonConfig& config) {
    // An unfinished use is settled long before the least of them.
    constexpr std::int64_t kLeastDays = 30;
    constexpr std::int64_t kMostDays = 36'525;  // a century
    file.duration("store.evidence_retention_days", config.activation.evidence_retention, kLeastDays,
                  kMostDays)
        .duration("store.uses_retention_days", config.signing.uses_retention, kLeastDays, kMostDays);
}

void read_log(ConfigFile& file, DaemonConfig& config, std::string& directory) {
    file.required_text("log.directory", directory)
        .required_text("log.origin", config.log_origin)
        .texts("log.anchors", config.log_anchors)
        .duration("log.publish_interval_ms", config.log.interval, 10, 1'000)
        .duration("log.anchor_interval_ms", config.log.anchor_interval, 10, 60'000)
        .duration("log.lag_limit_ms", config.log.lag_limit, 1'000, 600'000)
        .count("log.sweep_step", config.sweep.step, 1, 100'000)
        .duration("log.sweep_pause_ms", config.sweep.pause, 0, 60'000)
        .duration("log.sweep_round_interval_ms", config.sweep.round_interval, 100, 86'400'000)
        .count("log.sweep_table_entries", config.sweep.table_entries, 1'000, 100'000'000)
        .count("log.sweep_findings", config.sweep.finding_limit, 1, 10'000);
}

void read_daemon(ConfigFile& file, DaemonConfig& config) {
    file.required_text("sigillod.signing_socket", config.signing_socket.path)
        .text("sigillod.deposit_socket", config.deposit_socket)
        .required_text("sigillod.public_socket", config.public_socket.path)
        .required_text("sigillod.admin_socket", config.admin_socket.path)
        .texts("sigillod.signing_users", config.signing_socket.users)
        .texts("sigillod.public_users", config.public_socket.users)
        .texts("sigillod.admin_users", config.admin_socket.users)
        .count("sigillod.workers", config.workers, 1, 1'024)
        .count("sigillod.workers_per_client", config.workers_per_client, 1, 1'024)
        .count("sigillod.queue_limit", config.queue_limit, 1, 1'000'000)
        .count("sigillod.admin_threads", config.admin_threads, 1, 64)
        .count("sigillod.public_threads", config.public_threads, 1, 64)
        .count("sigillod.document_threads", config.document_threads, 1, 64)
        .count("sigillod.side_queue_limit", config.side_queue_limit, 1, 100'000)
        .duration("sigillod.shutdown_deadline_s", config.shutdown_deadline, 1, 600)
        .texts("sigillod.backup_directories", config.backup_directories);
    read_hardening_config(file, "sigillod", config.hardening);
    if (config.deposit_socket.empty())
        config.deposit_socket =
            (std::filesystem::path(config.signing_socket.path).parent_path() / "deposit.sock").string();
}

void read_activation(ConfigFile& file, DaemonConfig& config) {
    auto& lockout = config.activation.lockout;
    file.count("activation.hashes_limit", config.activation.hashes_limit, 1, 1'000)
        .count("activation.totp_drift_steps", config.activation.drift_steps, 0, 10)
        .count("activation.hotp_look_ahead", config.activation.look_ahead, 0, 100)
        .count("activation.tries", lockout.tries, 1, 100)
        .duration("activation.first_lock_s", lockout.first_lock, 1, kDayS)
        .duration("activation.longest_lock_s", lockout.longest_lock, 1, 30 * kDayS)
        .count("activation.tries_until_officer", lockout.tries_until_officer, 1, 1'000)
        .count("activation.client_failures", lockout.client_failures, 1, 1'000'000)
        .duration("activation.client_window_s", lockout.client_window, 1, 30 * kDayS)
        .count("activation.attempts_waiting", lockout.waiting, 0, 1'024)
        .duration("activation.attempt_wait_ms", lockout.wait, 10, 60'000)
        .duration("activation.click_window_s", config.activation.click.tolerance, 1, 3'600)
        .count("activation.pin_least_length", config.pin.least_length, 4, 32)
        .count("activation.pin_most_length", config.pin.most_length, 4, 128)
        .count("activation.argon2_memory_kib", config.pin.memory_kib, 8'192, 1 << 20)
        .count("activation.argon2_passes", config.pin.passes, 1, 16)
        .count("activation.argon2_runs", config.pin.concurrent_runs, 1, 64)
        .duration("activation.argon2_wait_ms", config.pin.wait, 10, 60'000)
        .duration("activation.sad_lifetime_s", config.sad.lifetime, 10, 900)
        .duration("activation.transaction_s", config.sad.transaction, 10, 900)
        .text("activation.otp_issuer", config.enrolment.otp.issuer)
        .duration("activation.clock_tolerance_ms", config.clock.tolerance, 100, 60'000)
        .count("activation.refusals_per_credential", config.refusals.per_credential, 1, 10'000)
        .count("activation.refusals_per_client", config.refusals.per_client, 1, 1'000'000);
    if (config.sad.lifetime > config.sad.transaction)
        file.complain("activation.sad_lifetime_s", "must not be longer than activation.transaction_s");
    config.enrolment.otp.drift_steps = config.activation.drift_steps;
    config.enrolment.otp.look_ahead = config.activation.look_ahead;
}

void read_issuance(ConfigFile& file, DaemonConfig& config) {
    auto& ca = config.authority.ca;
    std::string pki_url;
    std::int64_t signer_days = std::chrono::duration_cast<std::chrono::days>(ca.signer_validity).count();
    std::int64_t ca_days = std::chrono::duration_cast<std::chrono::days>(ca.ca_validity).count();
    file.required_text("issuance.pki_url", pki_url)
        .text("issuance.country", ca.country)
        .text("issuance.organization", ca.organization)
        .text("issuance.organization_identifier", ca.organization_identifier)
        .text("issuance.common_name", ca.common_name)
        .text("issuance.cps_url", ca.cps_url)
        .integer("issuance.signer_validity_days", signer_days, 1, 3'650)
        .integer("issuance.ca_validity_days", ca_days, 1, 36'500)
        .duration("issuance.backdate_s", ca.backdate, 0, kDayS)
        .duration("issuance.crl_validity_s", ca.crl_validity, 60, 30 * kDayS)
        .duration("issuance.crl_interval_s", config.authority.crl_interval, 1, 30 * kDayS)
        .count("issuance.max_crl_entries", ca.max_crl_entries, 1, 10'000'000)
        .count("issuance.multisign_default", config.credentials.multisign_default, 1, 1'000)
        .count("issuance.max_chain", config.credentials.chain.max_certificates, 2, 10)
        .count("issuance.policy_length", config.credentials.policy.length, 8, 1'024)
        .count("issuance.policy_depth", config.credentials.policy.depth, 0, 32);
    file.duration("issuance.ocsp_validity_s", config.ocsp.validity, 60, 7 * kDayS)
        .duration("issuance.ocsp_cache_s", config.ocsp.cache_life, 0, kDayS)
        .count("issuance.ocsp_cache_entries", config.ocsp.cache_entries, 0, 10'000'000)
        .duration("issuance.ocsp_certificate_s", ca.ocsp_signing_validity, 10, 366 * kDayS)
        .duration("issuance.ocsp_renewal_look_s", config.ocsp_renewal_look, 1, kDayS)
        .duration("issuance.ocsp_retry_pause_ms", config.ocsp.retry_pause, 10, 600'000)
        .count("issuance.ocsp_certificates_per_request", config.ocsp.requests.max_certificates, 1, 1'000)
        .count("issuance.ocsp_nonce_bytes", config.ocsp.requests.max_nonce_bytes, 1, 128);
    if (config.ocsp.cache_life >= config.ocsp.validity)
        file.complain("issuance.ocsp_cache_s", "must be shorter than issuance.ocsp_validity_s");
    ca.signer_validity = std::chrono::days(signer_days);
    ca.ca_validity = std::chrono::days(ca_days);
    ca.crl_url = pki_url + "/ca.crl";
    ca.ca_issuers_url = pki_url + "/ca.crt";
    ca.ocsp_url = pki_url + "/ocsp";
    if (config.authority.crl_interval >= ca.crl_validity)
        file.complain("issuance.crl_interval_s", "must be shorter than issuance.crl_validity_s");
}

void read_signing(ConfigFile& file, DaemonConfig& config) {
    file.count("signing.hashes_per_call", config.signing.hashes_per_call, 1, 256)
        .count("signing.documents_per_call", config.signing.documents_per_call, 1, 200)
        .duration("signing.retry_window_h", config.signing.retry_window, 1, 24 * 30)
        .duration("signing.turn_patience_ms", config.signing.turn_patience, 100, 300'000)
        .count("signing.turn_waiters", config.signing.turn_waiters, 0, 64)
        .count("signing.key_cache_limit", config.vault.cache_limit, 0, 1'000'000)
        .duration("signing.key_idle_limit_s", config.vault.idle_limit, 1, 30 * kDayS);
}

void read_documents(ConfigFile& file, DaemonConfig& config) {
    auto& deposits = config.deposits;
    auto& revision = config.documents.revision;
    auto& properties = config.documents.properties;
    std::int64_t each_mib = static_cast<std::int64_t>(deposits.bytes_each) / kMiB;
    std::int64_t total_mib = static_cast<std::int64_t>(deposits.bytes_total) / kMiB;
    file.count("documents.deposits", deposits.count, 1, 100'000)
        .integer("documents.deposit_mib", each_mib, 1, 4'096)
        .integer("documents.deposits_mib", total_mib, 1, 1'048'576)
        .duration("documents.deposit_lifetime_s", deposits.lifetime, 1, 3'600)
        .count("documents.signature_bytes_least", revision.gap_least, 2, 1 << 20)
        .count("documents.signature_bytes_most", revision.gap_most, 1'024, 64 << 20)
        .count("documents.property_text_bytes", properties.text, 1, 4'096)
        .count("documents.property_uri_bytes", properties.uri, 1, 8'192)
        .count("documents.property_oid_length", properties.oid, 16, 1'024)
        .count("documents.commitment_types", properties.commitment_types, 1, 64);
    deposits.bytes_each = static_cast<std::uint64_t>(each_mib * kMiB);
    deposits.bytes_total = static_cast<std::uint64_t>(total_mib * kMiB);
    if (deposits.bytes_each > deposits.bytes_total)
        file.complain("documents.deposit_mib", "must not be more than documents.deposits_mib");
    if (revision.gap_least > revision.gap_most)
        file.complain("documents.signature_bytes_least",
                      "must not be more than documents.signature_bytes_most");
}

}  // namespace

Result<DaemonConfig> load_daemon_config(const std::filesystem::path& path) {
    SIGILLO_ASSIGN(ConfigFile file, ConfigFile::load(path));
    DaemonConfig config;
    read_hsm(file, config.hsm);
    read_store(file, config.store, config.housekeeper);
    read_retention(file, config);
    read_log(file, config, config.log_directory);
    read_daemon(file, config);
    read_activation(file, config);
    read_issuance(file, config);
    read_signing(file, config);
    read_documents(file, config);
    if (file.has_table("tsa")) read_tsa(file, config.tsa.emplace());
    if (config.tsa && config.tsa->token == config.hsm.token)
        file.complain("tsa.token", "must be another token than hsm.token");
    if (config.tsa && (config.tsa->store.directory == config.store.directory ||
                       config.tsa->log_directory == config.log_directory))
        file.complain("tsa.store_directory", "store and log of the TSA have directories of their own");
    SIGILLO_TRY(file.finish());
    return config;
}

Result<SecretBytes> read_pin_file(const std::filesystem::path& path) {
    SIGILLO_TRY(check_secret_file(path));
    constexpr std::size_t kLimit = 512;  // bytes: PKCS#11 modules take at most 255
    SIGILLO_ASSIGN(Bytes contents, read_file(path, kLimit));
    while (!contents.empty() && (contents.back() == '\n' || contents.back() == '\r')) contents.pop_back();
    SecretBytes pin = SecretBytes::copy_of(contents);
    cleanse(contents);
    if (pin.empty())
        return fail(Errc::kInvalidArgument, path.string() + " is empty: write the HSM's user PIN into it");
    if (std::ranges::find(pin.expose(), '\n') != pin.expose().end())
        return fail(Errc::kInvalidArgument, path.string() + " has more than one line");
    return pin;
}

}  // namespace sigillo
