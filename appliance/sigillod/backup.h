// A consistent backup while work goes on: store, log and what is needed to check them, in one directory.
//
//   manifest.json   SHA-256 of every file, the checkpoint, when and by whom (written last: without it, no
//   backup) store/          a transactionally consistent copy of the store log/            checkpoint and
//   tiles that cover at least every leaf which that copy's log has packed away
//
// Signers' keys are in the store, wrapped under the KEK: a backup is worthless without the HSM's own backup,
// which is made with the HSM's own means.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "appliance/audit/publisher.h"
#include "appliance/audit/recorder.h"
#include "appliance/base/result.h"
#include "appliance/sigillod/officer_order.h"

namespace sigillo {

struct BackupReport {
    std::string directory;
    std::string checkpoint;  // signed note; agrees with the copy
    std::uint64_t bytes = 0;
};

// Thread-safe; one backup runs at a time.
class Backup {
 public:
    Backup(audit::Ledger& ledger, audit::Publisher& publisher, std::filesystem::path log_directory)
        : ledger_(ledger), publisher_(publisher), log_directory_(std::move(log_directory)) {}

    // `directory`: absolute, absent or empty, on a place that the configuration opens to sigillod. Logs
    // "backup.created". kInvalidArgument, kAlreadyExists (not empty), kConflict (one is running), kForbidden,
    // kStorageFull. Nothing remains of a backup that failed.
    Result<BackupReport> create(const OfficerOrder& order, const std::string& directory);

 private:
    Result<BackupReport> copy(const OfficerOrder& order, const std::filesystem::path& directory);
    audit::Ledger& ledger_;
    audit::Publisher& publisher_;
    const std::filesystem::path log_directory_;
    std::mutex running_;
};

}  // namespace sigillo
