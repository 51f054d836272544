// Puts a verified backup in the place of an empty store.
#pragma once

#include <filesystem>
#include <string>

#include "appliance/base/result.h"
#include "appliance/sigilloctl/backup_manifest.h"
#include "appliance/sigilloctl/context.h"

namespace sigillo::ctl {

// Neither directory may hold anything (they may be absent): what is there may be the only evidence of what
// was signed since the backup. kConflict; the detail says how to move it aside. kInvalidArgument: not
// configured.
// With `newer_log` = log.directory itself the log stays where it is, and only the store must be empty.
Status require_empty(const Settings& settings, const std::filesystem::path& newer_log);

// `newer_log` is a log directory of the same log, not older than the backup's: as far as its checkpoint says;
// sigillod proves it. kNotFound: no checkpoint there. kConflict: another log's, or older.
Status check_newer_log(const std::filesystem::path& newer_log, const BackupManifest& manifest);

// Copies log and store, durably; the store appears last and whole, so that a power cut leaves no half store
// behind that would start. Files belong to the owners of the directories. On error what was copied is removed
// again. kStorageFull, kUnavailable, kCorrupt (the backup changed meanwhile).
// Not empty, `newer_log` takes the place of the backup's log: what was published stays published, and
// sigillod does again what it tells of revocations and deletions since the backup.
Status restore_files(const std::filesystem::path& backup, const BackupManifest& manifest,
                     const Settings& settings, const std::filesystem::path& newer_log,
                     const Progress& progress);

}  // namespace sigillo::ctl
