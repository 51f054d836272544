// Puts a verified backup in the place of an empty store.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "appliance/base/result.h"
#include "appliance/sigilloctl/backup_manifest.h"

namespace sigillo::ctl {

// A store with its log: what a backup calls them, and where they belong.
struct RestorePart {
    std::string store;  // folders of the backup: "store", "tsa-store"
    std::string log;
    std::string store_key;  // of the configuration: "store.directory"
    std::string log_key;
    std::filesystem::path store_directory;
    std::filesystem::path log_directory;
    std::string checkpoint;  // of the backup's log
    // A log directory of the same log that is newer than the backup's, or empty. It takes the place of the
    // backup's: what was published stays published, and sigillod does again what it tells of revocations and
    // deletions since the backup.
    std::filesystem::path newer_log;
};

// Neither directory may hold anything (they may be absent): what is there may be the only evidence of what
// was signed since the backup. kConflict; the detail says how to move it aside. kInvalidArgument: not
// configured.
// With newer_log = log_directory itself the log stays where it is, and only the store must be empty.
Status require_empty(const RestorePart& part);

// newer_log, if any, is a log directory of the same log, not older than the backup's: as far as its
// checkpoint says; sigillod proves it. kNotFound: no checkpoint there. kConflict: another log's, or older.
Status check_newer_log(const RestorePart& part);

// Copies logs and stores, durably; the stores appear last and whole, so that a power cut leaves no half store
// behind that would start. Files belong to the owners of the directories. On error what was copied is removed
// again. kStorageFull, kUnavailable, kCorrupt (the backup changed meanwhile).
Status restore_files(const std::filesystem::path& backup, const BackupManifest& manifest,
                     const std::vector<RestorePart>& parts, const Progress& progress);

}  // namespace sigillo::ctl
