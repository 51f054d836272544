#include "appliance/audit/verify/tile_directory.h"

#include "appliance/base/file.h"

namespace sigillo::audit {
namespace {

constexpr std::size_t kCheckpointLimit = 64 << 10;

Error named(const std::filesystem::path& path, Error error) {
    if (error.code == Errc::kCorrupt) error.detail = path.string() + " " + error.detail;
    if (error.code == Errc::kLimitExceeded) error.code = Errc::kCorrupt;
    return error;
}

}  // namespace

Result<std::string> TileDirectory::checkpoint() const {
    const auto path = root_ / kCheckpointName;
    auto bytes = read_file(path, kCheckpointLimit);
    if (!bytes) return std::unexpected(named(path, std::move(bytes).error()));
    return std::string(as_text(*bytes));
}

Result<TileDirectory::Read> TileDirectory::read(TileName name, std::size_t limit) const {
    const auto wanted = path_of(name);
    for (const unsigned width : {name.width, kTileWidth}) {
        name.width = width;
        const auto path = path_of(name);
        auto bytes = read_file(path, limit);
        if (bytes) return Read{path, width, *std::move(bytes)};
        if (bytes.error().code != Errc::kNotFound)
            return std::unexpected(named(path, std::move(bytes).error()));
    }
    return fail(Errc::kNotFound, wanted.string() + " is missing");
}

Result<std::vector<Hash>> TileDirectory::hashes(unsigned level, std::uint64_t index, unsigned width) const {
    SIGILLO_ASSIGN(const Read file, read({false, level, index, width}, kTileWidth * sizeof(Hash)));
    auto hashes = decode_tile(file.bytes, file.width);
    if (!hashes) return std::unexpected(named(file.path, std::move(hashes).error()));
    hashes->resize(width);
    return hashes;
}

Result<std::vector<Bytes>> TileDirectory::entries(std::uint64_t index, unsigned width) const {
    SIGILLO_ASSIGN(const Read file, read({true, 0, index, width}, kBundleLimit));
    const auto views = decode_bundle(file.bytes, file.width);
    if (!views) return std::unexpected(named(file.path, Error(views.error())));
    std::vector<Bytes> entries;
    entries.reserve(width);
    for (unsigned i = 0; i < width; ++i) entries.push_back(to_bytes((*views)[i]));
    return entries;
}

Result<Hash> TileNodes::node(unsigned level, std::uint64_t index) {
    const unsigned tile_level = level / kTileHeight;
    const unsigned height = level % kTileHeight;
    const std::uint64_t first = index << height;  // among the hashes of tile_level
    const std::uint64_t count = std::uint64_t{1} << height;
    if (first + count > hashes_at(size_, tile_level))
        return fail(Errc::kInvalidArgument, "the tree has no such complete subtree", "index");
    const std::uint64_t tile = first / kTileWidth;
    auto cached = cache_.find(tile_level);
    if (cached == cache_.end() || cached->second.index != tile) {
        SIGILLO_ASSIGN(auto hashes, source_(tile_level, tile, tile_width(size_, tile_level, tile)));
        cached = cache_.insert_or_assign(tile_level, Cached{tile, std::move(hashes)}).first;
    }
    return subtree_root(std::span(cached->second.hashes).subspan(first % kTileWidth, count));
}

}  // namespace sigillo::audit
