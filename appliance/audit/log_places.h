// Where a log and its checkpoints stand, and which checkpoints are found there.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "appliance/audit/verify/checkpoint.h"

namespace sigillo::audit {

struct LogPlaces {
    // What SIGILLO_LOG names: checkpoint, tile/, and epochs/ with the logs of earlier epochs.
    std::filesystem::path directory;
    // Existing directories, best on other disks or machines; each keeps the newest checkpoint of every epoch.
    std::vector<std::filesystem::path> anchors;
    // The store's directory: what rolls back with it is no anchor.
    std::filesystem::path store;
};

// Name of the file that an anchor keeps for the log of `origin`: what is not a letter, digit, '-' or '.' as
// %XX, then
// ".checkpoint".
std::string anchor_file_name(std::string_view origin);

struct FoundCheckpoint {
    std::filesystem::path place;
    SignedCheckpoint head;
    std::uint64_t epoch = 0;
};

struct FoundCheckpoints {
    std::vector<FoundCheckpoint> good;
    // Files that claim to be of this log but are not signed by its key, or cannot be read: the error names
    // the place.
    std::vector<Error> bad;

    const FoundCheckpoint* in(const std::filesystem::path& directory) const;
    // Whether the anchor has one, of any epoch.
    bool below(const std::filesystem::path& anchor) const;
    // Of the newest epoch, the largest.
    const FoundCheckpoint* newest() const;
};

// Looks at the directory and all anchors. An anchor that is not there counts as bad.
FoundCheckpoints find_checkpoints(const LogPlaces& places, const TrustedKeys& keys,
                                  std::string_view base_origin);

// Empty, or why no checkpoint would survive a rollback of the store's disk: "rollback anchor: same disk".
std::string anchor_weakness(const LogPlaces& places);

}  // namespace sigillo::audit
