#include "appliance/audit/tile_builder.h"

namespace sigillo::audit {

Result<TileBuilder> TileBuilder::create(std::uint64_t size, const std::vector<Bytes>& entries,
                                        const NodeReader& nodes) {
    if (entries.size() != size % kTileWidth)
        return fail(Errc::kInvalidArgument, "wrong number of entries", "entries");
    TileBuilder builder;
    for (const Bytes& entry : entries) append_entry(builder.bundle_, entry);
    for (unsigned level = 0; level < tile_levels(size); ++level) {
        const std::uint64_t index = hashes_at(size, level) / kTileWidth;
        auto& edge = builder.edges_.emplace_back();
        for (unsigned i = 0; i < tile_width(size, level, index); ++i) {
            SIGILLO_ASSIGN(const Hash hash, nodes(level * kTileHeight, index * kTileWidth + i));
            edge.push_back(hash);
        }
    }
    SIGILLO_ASSIGN(builder.tree_, tree_frontier(size, nodes));
    return builder;
}

Status TileBuilder::append(ByteView leaf, const Sink& sink) {
    const std::uint64_t index = tree_.size();
    const Hash hash = leaf_hash(leaf);
    append_entry(bundle_, leaf);
    tree_.append(hash);
    if (tree_.size() % kTileWidth == 0) {
        SIGILLO_TRY(sink({true, 0, index / kTileWidth}, bundle_));
        bundle_.clear();
    }
    return push(0, hash, sink);
}

Status TileBuilder::push(unsigned level, const Hash& hash, const Sink& sink) {
    if (edges_.size() == level) edges_.emplace_back();
    auto& edge = edges_[level];
    edge.push_back(hash);
    if (edge.size() < kTileWidth) return {};
    SIGILLO_TRY(sink({false, level, hashes_at(tree_.size(), level) / kTileWidth - 1}, encode_tile(edge)));
    const Hash root = subtree_root(edge);
    edge.clear();
    return push(level + 1, root, sink);
}

Status TileBuilder::write_partials(const Sink& sink) const {
    const std::uint64_t size = tree_.size();
    if (!bundle_.empty())
        SIGILLO_TRY(sink({true, 0, size / kTileWidth, static_cast<unsigned>(size % kTileWidth)}, bundle_));
    for (unsigned level = 0; level < edges_.size(); ++level) {
        if (edges_[level].empty()) continue;
        SIGILLO_TRY(sink(
            {false, level, hashes_at(size, level) / kTileWidth, static_cast<unsigned>(edges_[level].size())},
            encode_tile(edges_[level])));
    }
    return {};
}

}  // namespace sigillo::audit
