// Cuts a growing tree into tiles. Holds the right edge only: for each level the hashes of the tile that is
// not full yet, and the entries of the open bundle. Copyable, so that a publication that fails is forgotten.
// Not thread-safe.
#pragma once

#include <functional>
#include <vector>

#include "appliance/audit/verify/tiles.h"

namespace sigillo::audit {

class TileBuilder {
 public:
    TileBuilder() = default;  // the empty tree
    // The edge of a tree of `size` leaves, of which the last size mod 256 are `entries`. kInvalidArgument
    // when their number is another; errors of `nodes`.
    static Result<TileBuilder> create(std::uint64_t size, const std::vector<Bytes>& entries,
                                      const NodeReader& nodes);

    using Sink = std::function<Status(const TileName& name, ByteView contents)>;
    // Gives tiles and bundles that have become full to `sink`.
    Status append(ByteView leaf, const Sink& sink);
    // Gives the partial ones to `sink`.
    Status write_partials(const Sink& sink) const;

    std::uint64_t size() const { return tree_.size(); }
    Hash root() const { return tree_.root(); }

 private:
    Status push(unsigned level, const Hash& hash, const Sink& sink);

    Frontier tree_;
    Bytes bundle_;                          // the open bundle
    std::vector<std::vector<Hash>> edges_;  // by level
};

}  // namespace sigillo::audit
