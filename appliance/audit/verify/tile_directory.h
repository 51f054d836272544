// Reads the files of a log directory: `checkpoint`, tile/... The files may be another's, and are believed
// only as far as they hash to a root that one trusts; each caller does that check. Errors: kNotFound (no such
// file), kCorrupt (wrong size or shape; the path is named), kUnavailable.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "appliance/audit/verify/tiles.h"

namespace sigillo::audit {

// Stateless but for the path; thread-safe.
class TileDirectory {
 public:
    explicit TileDirectory(std::filesystem::path root) : root_(std::move(root)) {}
    const std::filesystem::path& root() const { return root_; }
    std::filesystem::path path_of(const TileName& name) const { return root_ / tile_path(name); }

    Result<std::string> checkpoint() const;  // the note's text, up to 64 KiB

    // The first `width` hashes of a tile: from the file of that width, else from the full tile that has
    // replaced it.
    Result<std::vector<Hash>> hashes(unsigned level, std::uint64_t index, unsigned width) const;
    // The same of an entry bundle.
    Result<std::vector<Bytes>> entries(std::uint64_t index, unsigned width) const;

 private:
    struct Read {
        std::filesystem::path path;
        unsigned width;
        Bytes bytes;
    };
    // The file of that name, or the full one that has replaced it.
    Result<Read> read(TileName name, std::size_t limit) const;

    std::filesystem::path root_;
};

// Gives the first `width` hashes of a tile.
using TileSource =
    std::function<Result<std::vector<Hash>>(unsigned level, std::uint64_t index, unsigned width)>;

// Nodes of a tree of `size` leaves, out of its tiles. Remembers the last tile of each level. Not thread-safe.
class TileNodes {
 public:
    TileNodes(TileSource source, std::uint64_t size) : source_(std::move(source)), size_(size) {}
    TileNodes(const TileDirectory& directory, std::uint64_t size)
        : TileNodes([directory](unsigned level, std::uint64_t index,
                                unsigned width) { return directory.hashes(level, index, width); },
                    size) {}
    std::uint64_t size() const { return size_; }
    // kInvalidArgument when the subtree is not complete within `size`.
    Result<Hash> node(unsigned level, std::uint64_t index);
    NodeReader reader() {
        return [this](unsigned level, std::uint64_t index) { return node(level, index); };
    }

 private:
    struct Cached {
        std::uint64_t index;
        std::vector<Hash> hashes;
    };
    TileSource source_;
    std::uint64_t size_;
    std::map<unsigned, Cached> cache_;  // by tile level
};

}  // namespace sigillo::audit
