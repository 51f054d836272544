// A published log as of one checkpoint, read from its directory and believed only as far as it is signed and
// hashes.
//
// A log that goes on being published keeps the partial tiles of its last two checkpoints only; the snapshot
// reads them first and keeps them, so that it holds however long the rest takes. Not thread-safe. Errors:
// kCorrupt (with the file), kNotFound (a file is missing, named), kUnavailable.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "appliance/audit/verify/checkpoint.h"
#include "appliance/audit/verify/tile_directory.h"

namespace sigillo::audit {

class LogSnapshot {
 public:
    // Signature, and the right edge of the tree up to the root; not the rest: verify_tree().
    static Result<LogSnapshot> open(const std::filesystem::path& directory, const TrustedKeys& keys);

    const SignedCheckpoint& head() const { return head_; }
    const Checkpoint& checkpoint() const { return head_.checkpoint; }
    const TileDirectory& directory() const { return directory_; }

    Result<std::vector<Hash>> hashes(unsigned level, std::uint64_t index) const;
    Result<std::vector<Bytes>> entries(std::uint64_t index) const;
    // Valid as long as the snapshot.
    NodeReader nodes() const;

    // One leaf, with a check that it hashes up to the root.
    struct ProvenLeaf {
        Bytes leaf;
        std::vector<Hash> proof;
    };
    // kInvalidArgument beyond the checkpoint.
    Result<ProvenLeaf> prove(std::uint64_t index) const;

    // `older` must be a checkpoint of this very log: kCorrupt unless the log is its extension.
    Status extends(const Checkpoint& older) const;

    // (leaves done, leaves in all); called every few bundles.
    using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;
    // Every leaf in order.
    using Visit = std::function<Status(std::uint64_t index, ByteView leaf)>;
    // Reads every bundle and tile, and holds them against each other and the root. An error of `visit` is
    // returned with the leaf's place before it.
    Status verify_tree(const Visit& visit, const Progress& progress) const;

    // Files in the directory that the checkpoint does not need: older partial tiles must agree with the tree
    // (kCorrupt); names of others that belong to no log are returned.
    Result<std::vector<std::string>> check_other_files() const;

 private:
    LogSnapshot(TileDirectory directory, SignedCheckpoint head)
        : directory_(std::move(directory)), head_(std::move(head)) {}
    Status pin_right_edge();
    Error blame_right_edge() const;
    std::string name_of(unsigned level, std::uint64_t index) const;
    Status blame(std::uint64_t bundle, const std::vector<Hash>& computed,
                 const std::vector<Hash>& tile) const;
    Status verify_bundle(std::uint64_t bundle, std::vector<Hash>& computed, const Visit& visit) const;
    Status check_partial(const TileName& name) const;

    TileDirectory directory_;
    SignedCheckpoint head_;
    std::map<TileName, std::vector<Hash>> pinned_hashes_;  // by the name in this checkpoint
    std::map<std::uint64_t, std::vector<Bytes>> pinned_entries_;
};

}  // namespace sigillo::audit
