// Names and contents of the files of a C2SP tlog-tiles log: hash tiles of height 8 and entry bundles.
// https://c2sp.org/tlog-tiles. Pure functions; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/audit/verify/merkle.h"

namespace sigillo::audit {

inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kTileWidth = 1u << kTileHeight;  // hashes in a full tile, entries in a full bundle
// Longest entry: bundles have 16-bit lengths.
inline constexpr std::size_t kEntryLimit = 65'535;
inline constexpr std::size_t kBundleLimit = kTileWidth * (2 + kEntryLimit);  // bytes
inline constexpr std::string_view kCheckpointName = "checkpoint";

// One file of the log. Width is 1 to 256; below 256 the tile is a partial one.
struct TileName {
    bool entries = false;  // an entry bundle; level is then 0
    unsigned level = 0;    // 0 to 7: trees of 64-bit size have no more
    std::uint64_t index = 0;
    unsigned width = kTileWidth;
    friend bool operator==(const TileName&, const TileName&) = default;
    friend auto operator<=>(const TileName&, const TileName&) = default;
};

// "tile/0/x001/x234/067", "tile/entries/000.p/17".
std::string tile_path(const TileName& name);
// The reverse; only the one spelling that tile_path() gives.
std::optional<TileName> parse_tile_path(std::string_view path);

// Hashes at `level` of a tree of `size` leaves: floor(size / 256^level).
std::uint64_t hashes_at(std::uint64_t size, unsigned level);
// The width that tile `index` at `level` has in a tree of `size` leaves: 0 (not there) to 256.
unsigned tile_width(std::uint64_t size, unsigned level, std::uint64_t index);
// Levels with at least one hash.
unsigned tile_levels(std::uint64_t size);

Bytes encode_tile(std::span<const Hash> hashes);
// kCorrupt unless there are exactly `width` hashes.
Result<std::vector<Hash>> decode_tile(ByteView bytes, unsigned width);
// Merkle root over a power of two of hashes.
Hash subtree_root(std::span<const Hash> hashes);

void append_entry(Bytes& bundle, ByteView entry);  // entry ≤ kEntryLimit
// kCorrupt unless the bundle is exactly `width` entries. The views point into `bytes`.
Result<std::vector<ByteView>> decode_bundle(ByteView bytes, unsigned width);

}  // namespace sigillo::audit
