// sigillod's part of the instance's configuration file. Every bound has its default and its reason where it
// is declared, in the layer that it bounds; here they only get their names.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "appliance/activation/activator.h"
#include "appliance/activation/clock_monitor.h"
#include "appliance/activation/enrolment.h"
#include "appliance/activation/pin.h"
#include "appliance/activation/refusal_log.h"
#include "appliance/activation/sad.h"
#include "appliance/audit/publisher.h"
#include "appliance/audit/sweep.h"
#include "appliance/base/result.h"
#include "appliance/issuance/authority.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/ocsp_responder.h"
#include "appliance/issuance/signers.h"
#include "appliance/sigillod/documents.h"
#include "appliance/sigillod/tsa_config.h"
#include "appliance/signing/signing_path.h"
#include "appliance/store/housekeeper.h"
#include "appliance/store/lmdb_config.h"
#include "hardening/hardening.h"
#include "keystore/pkcs11/pkcs11_key_store.h"

namespace sigillo {

struct HsmSettings {
    std::string token;            // RFC 7512 URI
    std::string pin_file;         // mode 0600, one line
    std::string token_directory;  // SoftHSM's; synced after the ceremony
    std::size_t max_sessions = Pkcs11Config{}.max_sessions;
    std::size_t max_generations = Pkcs11Config{}.max_generations;
    std::chrono::milliseconds session_wait = Pkcs11Config{}.session_wait;
    std::chrono::milliseconds slow_call = Pkcs11Config{}.slow_call;
    std::chrono::milliseconds slow_generation = Pkcs11Config{}.slow_generation;
    std::chrono::milliseconds recovery_pause = Pkcs11Config{}.recovery_pause;
    std::string ca_algorithm = "EC-P256";  // of the ceremony
};

struct SocketSettings {
    std::string path;
    std::vector<std::string> users;  // names or numbers; empty: our own user only
};

struct DaemonConfig {
    HsmSettings hsm;
    LmdbConfig store;
    HousekeeperConfig housekeeper;
    audit::PublisherConfig log;
    std::string log_directory;
    std::string log_origin;
    std::vector<std::string> log_anchors;
    audit::SweepConfig sweep;

    SocketSettings signing_socket;
    // Where sigillo-api leaves documents (deposits.h), for the users of the signing socket. Empty:
    // deposit.sock beside that.
    std::string deposit_socket;
    SocketSettings public_socket;
    SocketSettings admin_socket;
    // Threads that begin requests, and as many again that go on with them when the store has answered. They
    // wait for an HSM on the network, for a PIN's Argon2 and for the commits of /v1: as many as the HSM has
    // work for at a time. What waits for a commit of the signing path takes no thread, and threads beyond
    // need cost: with 96 a document takes a tenth more of the processor than with 16.
    std::size_t workers = 24;
    // Threads that the requests of one client may take at a time: some are left for the others, whatever it
    // asks.
    std::size_t workers_per_client = 18;
    // Requests that wait for a thread; beyond it the answer is "busy". Two seconds of work at full speed.
    std::size_t queue_limit = 4'096;
    // Threads for officers' orders: one officer's backup must not keep another officer waiting.
    std::size_t admin_threads = 4;
    // Threads for anonymous traffic, which never takes the signers': what it asks for is read from memory or
    // made once a minute, so two are plenty.
    std::size_t public_threads = 2;
    // Threads that read prepared documents: SHA-2 of 100 MiB takes a fifth of a second, which signatures of
    // hashes must not wait for. A client takes half of them at most.
    std::size_t document_threads = 4;
    // Requests that wait for the officers', the public and the health's threads, each; beyond it the answer
    // is "busy". A second of their work; the peers are few.
    std::size_t side_queue_limit = 256;
    // From SIGTERM to exit. Longer than the slowest HSM call that still succeeds, shorter than systemd's
    // patience.
    std::chrono::seconds shutdown_deadline{20};
    // Where backups may be written: Landlock keeps the process out of every other place.
    std::vector<std::string> backup_directories;
    // The published log is an auditor's, who has our group; the store sets its own, stricter modes.
    HardeningConfig hardening{.umask = 027};

    activation::ActivatorConfig activation;
    activation::PinConfig pin;
    activation::SadConfig sad;
    activation::RefusalLogConfig refusals;
    activation::EnrolmentConfig enrolment;
    activation::ClockMonitorConfig clock;
    issuance::AuthorityConfig authority;
    issuance::OcspConfig ocsp;
    // Between two looks at the OCSP responder's certificate. Short beside the ten days that are left of it
    // when it is due, and long enough to cost nothing.
    std::chrono::seconds ocsp_renewal_look{600};
    issuance::CredentialLimits credentials;
    issuance::SignerLimits signers;
    signing::SigningLimits signing;
    signing::KeyVaultConfig vault;
    DepositsConfig deposits;
    DocumentLimits documents;
    std::optional<TsaSettings> tsa;  // the table [tsa], where there is one
};

// kInvalidArgument with every complaint, one a line; kNotFound, kUnavailable for the file itself.
Result<DaemonConfig> load_daemon_config(const std::filesystem::path& path);

// The one line of a PIN file (hardening's checks of owner and mode included).
Result<SecretBytes> read_pin_file(const std::filesystem::path& path);

}  // namespace sigillo
