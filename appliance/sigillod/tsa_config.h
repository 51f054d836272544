// The table [tsa]: the time-stamping authority, with a token, a store and a log of its own (DESIGN §6). Every
// bound has its default and its reason where it is declared; here they only get their names. Without the
// table there is no TSA, and time-stamp requests are answered systemFailure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "appliance/audit/publisher.h"
#include "appliance/audit/sweep.h"
#include "appliance/base/config_file.h"
#include "appliance/store/lmdb_config.h"
#include "keystore/pkcs11/pkcs11_key_store.h"
#include "tsa/authority.h"
#include "tsa/chrony_client.h"
#include "tsa/disk_reserve.h"
#include "tsa/kernel_time_source.h"
#include "tsa/request/time_stamp_request.h"
#include "tsa/units.h"

namespace sigillo {

struct TsaSettings {
    // The token: another one than the signers', with a PIN of its own.
    std::string token;            // RFC 7512 URI
    std::string pin_file;         // mode 0600, one line
    std::string token_directory;  // SoftHSM's; synced after each key made or destroyed
    std::size_t max_sessions = Pkcs11Config{}.max_sessions;
    std::chrono::milliseconds session_wait = Pkcs11Config{}.session_wait;
    std::chrono::milliseconds slow_call = Pkcs11Config{}.slow_call;
    std::chrono::milliseconds slow_generation = Pkcs11Config{}.slow_generation;
    std::chrono::milliseconds recovery_pause = Pkcs11Config{}.recovery_pause;

    LmdbConfig store;
    audit::PublisherConfig log;
    std::string log_directory;
    std::string log_origin;
    std::vector<std::string> log_anchors;
    // Four times the leaves of the signing log's sweep in a step: this log grows faster.
    audit::SweepConfig sweep{.step = 1'024};

    tsa::AuthorityConfig authority;
    tsa::UnitsConfig units;
    tsa::RequestLimits requests;
    bool kernel_time = true;  // time = "kernel"; "unchecked" otherwise
    tsa::KernelTimeConfig time;
    tsa::ChronyConfig chrony;
    tsa::DiskReserveConfig reserve;

    // Threads that begin requests, and as many again that sign when the log has taken the leaf. What waits
    // for a commit takes none: as many as the HSM and the processor have work for at a time.
    std::size_t threads = 4;
    // Requests that wait for a thread; beyond it the answer is systemFailure, at once. A quarter of a second
    // at full speed.
    std::size_t queue_limit = 2'048;
    // Between two looks for units whose keys have ended. Tokens are refused without it too.
    std::chrono::seconds housekeeping_interval{3'600};
};

// Reads the keys of [tsa] and complains about what bounds cannot express.
void read_tsa(ConfigFile& file, TsaSettings& tsa);

}  // namespace sigillo
