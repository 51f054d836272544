// The Log in the store's two spaces. FORMAT.md has the rows.
//
// Appending costs one read, two writes and about two hashes: it runs inside the committer's thread. Leaves
// stay in the store until the publisher has them durable in full entry bundles, and are read from there ever
// after.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "appliance/audit/log.h"
#include "appliance/audit/verify/tile_directory.h"
#include "appliance/store/tables.h"

namespace sigillo::audit {

// Where a log lives in the store. Two logs in one store need two pairs.
struct LogSpaces {
    Space leaves = kLogLeaves;
    Space state = kLogState;
};

// What the log says about itself: which epoch of it is written, under which origin.
struct LogEpoch {
    std::uint64_t number = 0;  // 1 for the first
    std::string origin;        // of its checkpoints
    // Epoch whose files still stand where this one's go, or 0: open_epoch() was cut short.
    std::uint64_t set_aside = 0;
};

// What was published and may be forgotten by the store.
struct Published {
    std::uint64_t size = 0;  // of the newest checkpoint handed out
    Hash root{};
    std::uint64_t previous_size = 0;  // of the one before
    std::uint64_t packed = 0;         // leaves below are in entry bundles alone
};

// Thread-safe: all state is in the store.
class StoreLog final : public Log {
 public:
    // `directory` is where the current epoch is published (publisher.h); read for packed leaves.
    explicit StoreLog(std::filesystem::path directory, LogSpaces spaces = {});

    Result<std::uint64_t> append(WriteTransaction& txn, const Event& event) override;
    Result<TreeHead> head(ReadTransaction& txn) override;
    Result<std::uint64_t> size(ReadTransaction& txn) override;
    // A packed leaf is returned only if it hashes into the tree of `txn`: kCorrupt, with the file, when it
    // does not.
    Result<Bytes> leaf(ReadTransaction& txn, std::uint64_t index) override;

    // ---- for the rest of this layer
    // -------------------------------------------------------------------------
    Result<Frontier> frontier(ReadTransaction& txn) const;
    // Nothing in a store that never had a log.
    Result<std::optional<LogEpoch>> epoch(ReadTransaction& txn) const;
    Result<Published> published(ReadTransaction& txn) const;
    // Anchors that have a checkpoint of this log, by their paths.
    Result<std::vector<std::string>> known_anchors(ReadTransaction& txn) const;
    Status put_known_anchors(WriteTransaction& txn, const std::vector<std::string>& anchors) const;
    Status put_epoch(WriteTransaction& txn, const LogEpoch& epoch) const;
    Status put_published(WriteTransaction& txn, const Published& published) const;
    // An empty tree, nothing published. Leaves of before are erased.
    Status reset(WriteTransaction& txn) const;
    // Forgets leaves [from, to), which are published.
    Status erase_leaves(WriteTransaction& txn, std::uint64_t from, std::uint64_t to) const;

    // Leaves that the store still holds, ascending from `from`; kCorrupt when one is missing before the head.
    // Return false to stop.
    using Visit = std::function<Result<bool>(std::uint64_t index, ByteView leaf)>;
    Status visit_leaves(ReadTransaction& txn, std::uint64_t from, const Visit& visit) const;

    // Nodes of the tree in `txn`: from the published tiles as far as they reach, above from the store's
    // leaves. Valid within `txn`.
    Result<NodeReader> nodes(ReadTransaction& txn) const;

    const TileDirectory& directory() const { return directory_; }

 private:
    const TileDirectory directory_;
    const LogSpaces spaces_;
};

}  // namespace sigillo::audit
