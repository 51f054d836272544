// A consistent backup while work goes on: store, log and what is needed to check them, in one directory.
//
//   manifest.json   SHA-256 of every file, the checkpoints, when and by whom (written last: without it, no
//   backup) store/          a transactionally consistent copy of the store log/            checkpoint and
//   tiles that cover at least every leaf which that copy's log has packed away tsa-store/      the same of
//   the time-stamping authority, where there is one tsa-log/
//
// The two halves are copied one after the other; each is consistent in itself, and neither needs the other's
// moment. Signers' keys are in the store, wrapped under the KEK: a backup is worthless without the HSM's own
// backup, which is made with the HSM's own means.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "appliance/audit/publisher.h"
#include "appliance/audit/recorder.h"
#include "appliance/base/result.h"
#include "appliance/sigillod/officer_order.h"

namespace sigillo {

struct BackupReport {
    std::string directory;
    std::string checkpoint;      // signed note; agrees with the copy
    std::string tsa_checkpoint;  // of the TSA's log; empty without a TSA
    std::uint64_t bytes = 0;
};

// A store with its log.
struct BackupHalf {
    audit::Ledger& ledger;
    audit::Publisher& publisher;
    std::filesystem::path log_directory;
};

// Thread-safe; one backup runs at a time.
class Backup {
 public:
    Backup(BackupHalf signing, std::optional<BackupHalf> tsa)
        : signing_(std::move(signing)), tsa_(std::move(tsa)) {}

    // `directory`: absolute, absent or empty, on a place that the configuration opens to sigillod. Each
    // log says "backup.created". kInvalidArgument, kAlreadyExists (not empty), kConflict (one is running),
    // kForbidden, kStorageFull. Nothing remains of a backup that failed.
    Result<BackupReport> create(const OfficerOrder& order, const std::string& directory);

 private:
    Result<BackupReport> copy(const OfficerOrder& order, const std::filesystem::path& directory);
    const BackupHalf signing_;
    const std::optional<BackupHalf> tsa_;
    std::atomic<bool> running_{false};
};

}  // namespace sigillo
