#include "appliance/audit/verify/log_snapshot.h"

#include <algorithm>
#include <system_error>

namespace sigillo::audit {
namespace {

// A publisher may replace the partial tiles between our look at the checkpoint and theirs; then there is a
// newer one.
constexpr int kOpenTries = 8;
constexpr std::uint64_t kProgressEvery = 16;  // bundles

}  // namespace

Result<LogSnapshot> LogSnapshot::open(const std::filesystem::path& directory, const TrustedKeys& keys) {
    const TileDirectory tiles(directory);
    for (int left = kOpenTries;; --left) {
        auto note = tiles.checkpoint();
        if (!note) return std::unexpected(std::move(note).error());
        auto head = open_checkpoint(*note, keys);
        if (!head) {
            Error error = std::move(head).error();
            error.detail = (directory / kCheckpointName).string() + ": " + error.detail;
            return std::unexpected(std::move(error));
        }
        LogSnapshot snapshot(tiles, *std::move(head));
        auto pinned = snapshot.pin_right_edge();
        if (!pinned && pinned.error().code == Errc::kNotFound && left > 1) continue;
        if (!pinned) return std::unexpected(std::move(pinned).error());
        return snapshot;
    }
}

Status LogSnapshot::pin_right_edge() {
    const std::uint64_t size = checkpoint().size;
    for (unsigned level = 0; level < tile_levels(size); ++level) {
        const std::uint64_t index = hashes_at(size, level) / kTileWidth;
        const unsigned width = tile_width(size, level, index);
        if (width == 0) continue;
        SIGILLO_ASSIGN(auto hashes, directory_.hashes(level, index, width));
        pinned_hashes_.emplace(TileName{false, level, index, width}, std::move(hashes));
        if (level != 0) continue;
        SIGILLO_ASSIGN(auto entries, directory_.entries(index, width));
        pinned_entries_.emplace(index, std::move(entries));
    }
    SIGILLO_ASSIGN(const Hash root, tree_root(size, nodes()));
    if (root != checkpoint().root) return std::unexpected(blame_right_edge());
    return {};
}

// The partial tiles do not hash to the signed root: which of them does not agree with what lies below it?
Error LogSnapshot::blame_right_edge() const {
    for (const auto& [name, hashes_here] : pinned_hashes_) {
        for (std::size_t i = 0; i < hashes_here.size(); ++i) {
            Hash below{};
            if (name.level == 0) {
                below = leaf_hash(pinned_entries_.at(name.index)[i]);
            } else {
                const auto tile = hashes(name.level - 1, name.index * kTileWidth + i);
                if (!tile) return tile.error();
                below = subtree_root(*tile);
            }
            if (below != hashes_here[i])
                return Error{Errc::kCorrupt,
                             directory_.path_of(name).string() + ": hash " + std::to_string(i) +
                                 " is neither that of what lies below it nor under the checkpoint's root"};
        }
    }
    return Error{Errc::kCorrupt, directory_.root().string() +
                                     ": the tiles do not hash to the checkpoint's root at size " +
                                     std::to_string(checkpoint().size)};
}

std::string LogSnapshot::name_of(unsigned level, std::uint64_t index) const {
    return tile_path({false, level, index, tile_width(checkpoint().size, level, index)});
}

Result<std::vector<Hash>> LogSnapshot::hashes(unsigned level, std::uint64_t index) const {
    const unsigned width = tile_width(checkpoint().size, level, index);
    const auto pinned = pinned_hashes_.find({false, level, index, width});
    if (pinned != pinned_hashes_.end()) return pinned->second;
    return directory_.hashes(level, index, width);
}

Result<std::vector<Bytes>> LogSnapshot::entries(std::uint64_t index) const {
    const auto pinned = pinned_entries_.find(index);
    if (pinned != pinned_entries_.end()) return pinned->second;
    return directory_.entries(index, tile_width(checkpoint().size, 0, index));
}

NodeReader LogSnapshot::nodes() const {
    const auto tiles = std::make_shared<TileNodes>(
        [this](unsigned level, std::uint64_t index, unsigned) { return hashes(level, index); },
        checkpoint().size);
    return [tiles](unsigned level, std::uint64_t index) { return tiles->node(level, index); };
}

Result<LogSnapshot::ProvenLeaf> LogSnapshot::prove(std::uint64_t index) const {
    if (index >= checkpoint().size)
        return fail(Errc::kInvalidArgument,
                    "leaf " + std::to_string(index) + " is not in this log: its checkpoint has size " +
                        std::to_string(checkpoint().size),
                    "index");
    const std::uint64_t bundle = index / kTileWidth;
    SIGILLO_ASSIGN(auto all, entries(bundle));
    ProvenLeaf proven{std::move(all[index % kTileWidth]), {}};
    SIGILLO_ASSIGN(proven.proof, inclusion_proof(index, checkpoint().size, nodes()));
    if (!verify_inclusion(index, checkpoint().size, leaf_hash(proven.leaf), proven.proof, checkpoint().root))
        return fail(Errc::kCorrupt, tile_path({true, 0, bundle, tile_width(checkpoint().size, 0, bundle)}) +
                                        ": leaf " + std::to_string(index) +
                                        ", or a tile above it, does not hash to the checkpoint");
    return proven;
}

Status LogSnapshot::extends(const Checkpoint& older) const {
    const Checkpoint& newer = checkpoint();
    const std::string sizes = "the older checkpoint has size " + std::to_string(older.size) + ", the log " +
                              std::to_string(newer.size);
    if (older.origin != newer.origin)
        return fail(Errc::kInvalidArgument,
                    "the older checkpoint is of " + older.origin + ", the log is " + newer.origin, "old");
    if (older.size > newer.size) return fail(Errc::kCorrupt, "the log was cut off or rolled back: " + sizes);
    SIGILLO_ASSIGN(const auto proof, consistency_proof(older.size, newer.size, nodes()));
    if (!verify_consistency(older.size, newer.size, older.root, newer.root, proof))
        return fail(Errc::kCorrupt,
                    "the log is not an extension of the older checkpoint, leaves below size " +
                        std::to_string(older.size) + " were changed: " + sizes);
    return {};
}

// Bundle and level-0 tile disagree. The tile above, if there is one, says which of the two was altered.
Status LogSnapshot::blame(std::uint64_t bundle, const std::vector<Hash>& computed,
                          const std::vector<Hash>& tile) const {
    const auto differing = std::ranges::mismatch(computed, tile).in1 - computed.begin();
    const std::uint64_t leaf = bundle * kTileWidth + static_cast<std::uint64_t>(differing);
    const std::string bundle_name = tile_path({true, 0, bundle, static_cast<unsigned>(tile.size())});
    std::string verdict;
    if (tile.size() == kTileWidth) {
        const auto above = hashes(1, bundle / kTileWidth);
        const auto parent = above ? std::optional((*above)[bundle % kTileWidth]) : std::nullopt;
        if (parent && *parent == subtree_root(tile)) verdict = ": the bundle was altered";
        if (parent && *parent == subtree_root(computed)) verdict = ": the tile was altered";
    }
    // The right edge has been held against the signed root when the snapshot was opened.
    if (pinned_entries_.contains(bundle)) verdict = ": the bundle was altered";
    return fail(Errc::kCorrupt, bundle_name + ": leaf " + std::to_string(leaf) +
                                    " does not hash to its place in " + name_of(0, bundle) + verdict);
}

Status LogSnapshot::verify_bundle(std::uint64_t bundle, std::vector<Hash>& computed,
                                  const Visit& visit) const {
    SIGILLO_ASSIGN(const auto leaves, entries(bundle));
    SIGILLO_ASSIGN(const auto tile, hashes(0, bundle));
    computed.clear();
    for (const Bytes& leaf : leaves) computed.push_back(leaf_hash(leaf));
    if (computed != tile) return blame(bundle, computed, tile);
    std::uint64_t index = bundle * kTileWidth;
    for (const Bytes& leaf : leaves) {
        if (auto status = visit(index, leaf); !status) {
            Error error = std::move(status).error();
            error.detail = tile_path({true, 0, bundle, static_cast<unsigned>(tile.size())}) + ": leaf " +
                           std::to_string(index) + ": " + error.detail;
            return std::unexpected(std::move(error));
        }
        ++index;
    }
    return {};
}

Status LogSnapshot::verify_tree(const Visit& visit, const Progress& progress) const {
    const std::uint64_t size = checkpoint().size;
    const std::uint64_t bundles = (size + kTileWidth - 1) / kTileWidth;
    Frontier tree;
    std::vector<Hash> computed;
    std::vector<Hash> roots;  // of the full tiles of the level below
    for (std::uint64_t bundle = 0; bundle < bundles; ++bundle) {
        SIGILLO_TRY(verify_bundle(bundle, computed, visit));
        for (const Hash& hash : computed) tree.append(hash);
        if (computed.size() == kTileWidth) roots.push_back(subtree_root(computed));
        if (progress && bundle % kProgressEvery == 0) progress(tree.size(), size);
    }
    for (unsigned level = 1; level < tile_levels(size); ++level) {
        std::vector<Hash> above;
        for (std::uint64_t index = 0; index * kTileWidth < roots.size(); ++index) {
            SIGILLO_ASSIGN(const auto tile, hashes(level, index));
            const auto expected = std::span(roots).subspan(index * kTileWidth, tile.size());
            const auto [differing, unused] = std::ranges::mismatch(tile, expected);
            if (differing != tile.end())
                return fail(Errc::kCorrupt, name_of(level, index) + ": hash " +
                                                std::to_string(differing - tile.begin()) +
                                                " is not that of the tile below it");
            if (tile.size() == kTileWidth) above.push_back(subtree_root(tile));
        }
        roots = std::move(above);
    }
    if (tree.root() != checkpoint().root)
        return fail(Errc::kCorrupt,
                    "the leaves do not hash to the root of the checkpoint at size " + std::to_string(size));
    if (progress) progress(size, size);
    return {};
}

Status LogSnapshot::check_partial(const TileName& name) const {
    const std::uint64_t size = checkpoint().size;
    if (tile_width(size, name.level, name.index) < name.width) return {};  // newer than the checkpoint
    const auto path = directory_.path_of(name).string();
    SIGILLO_ASSIGN(const auto known, hashes(name.level, name.index));
    // Read as it stands: the full tile is no substitute for this look. It may be gone by now, replaced by a
    // newer one.
    std::vector<Hash> found;
    if (name.entries) {
        const auto own = directory_.entries(name.index, name.width);
        if (!own && own.error().code == Errc::kNotFound) return {};
        if (!own) return std::unexpected(own.error());
        for (const Bytes& entry : *own) found.push_back(leaf_hash(entry));
    } else {
        auto own = directory_.hashes(name.level, name.index, name.width);
        if (!own && own.error().code == Errc::kNotFound) return {};
        if (!own) return std::unexpected(own.error());
        found = *std::move(own);
    }
    if (!std::ranges::equal(found, std::span(known).first(name.width)))
        return fail(Errc::kCorrupt, path + ": does not agree with the tree of the checkpoint");
    return {};
}

Result<std::vector<std::string>> LogSnapshot::check_other_files() const {
    std::vector<std::string> strangers;
    const auto root = directory_.root() / "tile";
    std::error_code code;
    for (auto file = std::filesystem::recursive_directory_iterator(root, code);
         !code && file != std::filesystem::recursive_directory_iterator(); file.increment(code)) {
        std::error_code vanished;
        if (file->is_directory(vanished) || vanished) continue;
        const std::string relative = file->path().lexically_relative(directory_.root()).generic_string();
        const auto name = parse_tile_path(relative);
        if (!name)
            strangers.push_back(relative);
        else if (name->width < kTileWidth)
            SIGILLO_TRY(check_partial(*name));
    }
    // A folder of partial tiles that the publisher removes under our feet ends the walk on some systems; what
    // is gone is not part of the log.
    if (code && code != std::errc::no_such_file_or_directory)
        return fail(Errc::kUnavailable, "walking " + root.string() + ": " + code.message(), {}, code.value());
    return strangers;
}

}  // namespace sigillo::audit
