// Puts a verified backup in the place of an empty store.
#pragma once

#include <filesystem>
#include <string>

#include "appliance/base/result.h"
#include "appliance/sigilloctl/backup_manifest.h"
#include "appliance/sigilloctl/context.h"

namespace sigillo::ctl {

// Neither directory may hold anything (they may be absent): what is there may be the only evidence of what was signed
// since the backup. kConflict; the detail says how to move it aside. kInvalidArgument: not configured.
Status require_empty(const Settings& settings);

// Copies log and store, durably; the store appears last and whole, so that a power cut leaves no half store behind
// that would start. Files belong to the owners of the directories. On error what was copied is removed again.
// kStorageFull, kUnavailable, kCorrupt (the backup changed meanwhile).
Status restore_files(const std::filesystem::path& backup, const BackupManifest& manifest, const Settings& settings,
                     const Progress& progress);

}  // namespace sigillo::ctl
