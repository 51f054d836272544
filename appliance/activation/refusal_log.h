// Refusals that touched a credential go into the audit log; a flood of them must not fill it.
//
// Per credential and per client so many a minute are logged one by one. What goes beyond is counted, and the
// next refusal that is logged carries the number ("unlogged"), so that nothing is hidden.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"
#include "appliance/base/logger.h"

namespace sigillo::activation {

struct RefusalLogConfig {
    std::uint32_t per_credential = 20;  // a minute: more than people cause
    std::uint32_t per_client = 600;     // a minute: ten a second, 850,000 leaves a day at worst
    std::size_t remembered = 16'384;    // credentials and clients whose minute is counted; bounds the memory
};

// Thread-safe. Must not be called inside a transaction: it makes one of its own.
class RefusalLog {
 public:
    RefusalLog(RefusalLogConfig config, audit::Ledger& ledger, Logger& logger)
        : config_(config), ledger_(ledger), logger_(logger) {}

    // Logs event `type` ("activation.refused", "signing.refused") with credential, client, reason (errc_name)
    // and the error's detail-free facts. A log that cannot be written is reported to the operational log: the
    // refusal itself stands all the same.
    void record(std::string_view type, const CredentialId& credential, const ClientId& client, Errc reason);

    std::uint64_t total() const { return total_; }
    std::uint64_t unlogged() const { return unlogged_total_; }

 private:
    struct Minute {
        BootTime start{0};
        std::uint32_t count = 0;
    };
    bool admit(const std::string& key, std::uint32_t most, BootTime now);

    const RefusalLogConfig config_;
    audit::Ledger& ledger_;
    Logger& logger_;
    std::mutex mutex_;
    std::map<std::string, Minute> minutes_;  // guarded by mutex_; key = "c" credential id, "a" client id
    std::uint64_t unlogged_ = 0;             // guarded by mutex_; since the last one that was logged
    std::atomic<std::uint64_t> total_{0};
    std::atomic<std::uint64_t> unlogged_total_{0};
};

}  // namespace sigillo::activation
