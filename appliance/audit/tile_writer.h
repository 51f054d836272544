// Writes files below a log directory, each complete under its name or not there; a batch is durable after
// sync(). Not thread-safe.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "appliance/audit/verify/tiles.h"

namespace sigillo::audit {

// Where unfinished files stand, below the log directory; nothing in there is part of the log.
inline constexpr std::string_view kTemporaryFolder = ".tmp";

class TileWriter {
 public:
    explicit TileWriter(std::filesystem::path root) : root_(std::move(root)) {}
    // The root and its folder for unfinished files, emptied. Durable.
    Status prepare();
    // Replaces what is there. The file's contents are durable on return, its name after sync().
    Status put(const TileName& name, ByteView contents);
    Status sync();

    // Removes the partial tiles around `index` at `level` (and bundles at level 0) but those that trees of
    // `keep` have.
    static Status remove_partials(const std::filesystem::path& root, unsigned level, std::uint64_t index,
                                  std::initializer_list<std::uint64_t> keep);

 private:
    Status make_folder(const std::filesystem::path& folder);

    const std::filesystem::path root_;
    std::set<std::filesystem::path> unsynced_;  // folders
    std::uint64_t serial_ = 0;
};

}  // namespace sigillo::audit
