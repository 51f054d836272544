// The list of a backup's files, as sigillod wrote it (appliance/sigillod/backup.h has the layout), held
// against the files. It finds damage and gaps. Against someone who rewrites files and list alike stands the
// log's signature: sigillo-audit verify --log BACKUP/log --key FILE.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo::ctl {

struct BackupFile {
    std::filesystem::path path;  // relative, below store/, log/, tsa-store/ or tsa-log/, without "." and ".."
    std::uint64_t bytes = 0;
    Sha256Value digest{};
};

struct BackupManifest {
    std::string created;  // RFC 3339
    std::string officer;
    std::string checkpoint;      // signed note
    std::string tsa_checkpoint;  // of the TSA's log; empty: the backup has no TSA
    std::vector<BackupFile> files;
    std::uint64_t bytes = 0;  // of all files
};

// kNotFound (no manifest.json: no backup, or one that was not finished), kUnavailable, kCorrupt.
Result<BackupManifest> read_manifest(const std::filesystem::path& backup);

using Progress = std::function<void(std::uint64_t done, std::uint64_t of)>;  // bytes

// Every file is there as listed, nothing else is, and log/checkpoint (tsa-log/checkpoint) is the manifest's.
// kCorrupt names the first file at fault; kUnavailable for what cannot be read.
Status verify_files(const std::filesystem::path& backup, const BackupManifest& manifest,
                    const Progress& progress);

// SHA-256 of a file of any size; calls `seen` with each chunk's length.
Result<Sha256Value> digest_file(const std::filesystem::path& path,
                                const std::function<void(std::uint64_t)>& seen);

}  // namespace sigillo::ctl
