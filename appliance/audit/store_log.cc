#include "appliance/audit/store_log.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "appliance/store/records.h"

namespace sigillo::audit {
namespace {

// Keys of the state space.
const Bytes kTreeKey = to_bytes("tree");
const Bytes kEpochKey = to_bytes("epoch");
const Bytes kPublishedKey = to_bytes("published");
const Bytes kAnchorsKey = to_bytes("anchors");

constexpr std::size_t kHashSize = sizeof(Hash);

std::unexpected<Error> malformed(const char* row) {
    return fail(Errc::kCorrupt, std::string("log_state: row \"") + row + "\" is malformed");
}

Result<Frontier> decode_tree(ByteView row) {
    if (row.size() < 8 || (row.size() - 8) % kHashSize != 0) return malformed("tree");
    std::vector<Hash> hashes((row.size() - 8) / kHashSize);
    for (std::size_t i = 0; i < hashes.size(); ++i)
        std::ranges::copy(row.subspan(8 + i * kHashSize, kHashSize), hashes[i].begin());
    return Frontier::create(read_u64(row), std::move(hashes));
}

Bytes encode_tree(const Frontier& frontier) {
    Bytes row;
    row.reserve(8 + frontier.hashes().size() * kHashSize);
    append_u64(row, frontier.size());
    for (const Hash& hash : frontier.hashes()) append(row, ByteView(hash));
    return row;
}

std::string leaf_place(std::uint64_t index) {
    return "log_leaves: leaf " + std::to_string(index);
}

}  // namespace

StoreLog::StoreLog(std::filesystem::path directory, LogSpaces spaces)
    : directory_(std::move(directory)), spaces_(spaces) {}

Result<Frontier> StoreLog::frontier(ReadTransaction& txn) const {
    SIGILLO_ASSIGN(const auto row, txn.get(spaces_.state, kTreeKey));
    if (!row) return Frontier();
    return decode_tree(*row);
}

Result<std::uint64_t> StoreLog::append(WriteTransaction& txn, const Event& event) {
    SIGILLO_ASSIGN(const std::string leaf, event.canonical_json());
    SIGILLO_ASSIGN(Frontier tree, frontier(txn));
    const std::uint64_t index = tree.size();
    tree.append(leaf_hash(as_bytes(leaf)));
    // A leaf where the tree says that it ends: the two do not belong together, and nothing may be built on
    // them.
    if (auto inserted = txn.insert_once(spaces_.leaves, number_key(index), as_bytes(leaf)); !inserted) {
        if (inserted.error().code != Errc::kAlreadyExists)
            return std::unexpected(std::move(inserted).error());
        return fail(Errc::kCorrupt, leaf_place(index) + " stands beyond the end of the tree");
    }
    SIGILLO_TRY(txn.put(spaces_.state, kTreeKey, encode_tree(tree)));
    return index;
}

Result<TreeHead> StoreLog::head(ReadTransaction& txn) {
    SIGILLO_ASSIGN(const Frontier tree, frontier(txn));
    const Hash root = tree.root();
    return TreeHead{tree.size(), Bytes(root.begin(), root.end())};
}

Result<std::uint64_t> StoreLog::size(ReadTransaction& txn) {
    SIGILLO_ASSIGN(const auto row, txn.get(spaces_.state, kTreeKey));
    if (!row) return std::uint64_t{0};
    if (row->size() < 8) return malformed("tree");
    return read_u64(*row);
}

Result<Bytes> StoreLog::leaf(ReadTransaction& txn, std::uint64_t index) {
    SIGILLO_ASSIGN(const auto row, txn.get(spaces_.leaves, number_key(index)));
    if (row) return to_bytes(*row);
    SIGILLO_ASSIGN(const Frontier tree, frontier(txn));
    if (index >= tree.size())
        return fail(Errc::kNotFound, "the log has no leaf " + std::to_string(index) + " yet", "index");
    SIGILLO_ASSIGN(const Published done, published(txn));
    if (index >= done.packed) return fail(Errc::kCorrupt, leaf_place(index) + " is missing");

    const std::uint64_t bundle = index / kTileWidth;
    SIGILLO_ASSIGN(auto entries, directory_.entries(bundle, kTileWidth));
    Bytes leaf = std::move(entries[index % kTileWidth]);
    SIGILLO_ASSIGN(const NodeReader read, nodes(txn));
    SIGILLO_ASSIGN(const auto proof, inclusion_proof(index, tree.size(), read));
    if (!verify_inclusion(index, tree.size(), leaf_hash(leaf), proof, tree.root()))
        return fail(Errc::kCorrupt, directory_.path_of({true, 0, bundle}).string() + ": leaf " +
                                        std::to_string(index) +
                                        ", or a tile above it, does not hash into the tree");
    return leaf;
}

Result<std::optional<LogEpoch>> StoreLog::epoch(ReadTransaction& txn) const {
    SIGILLO_ASSIGN(const auto row, txn.get(spaces_.state, kEpochKey));
    if (!row) return std::optional<LogEpoch>();
    if (row->size() < 17) return malformed("epoch");
    return std::optional(
        LogEpoch{read_u64(*row), std::string(as_text(row->subspan(16))), read_u64(row->subspan(8))});
}

Result<std::vector<std::string>> StoreLog::known_anchors(ReadTransaction& txn) const {
    SIGILLO_ASSIGN(const auto row, txn.get(spaces_.state, kAnchorsKey));
    std::vector<std::string> anchors;
    if (!row) return anchors;
    for (std::string_view rest = as_text(*row); !rest.empty();) {
        const auto end = rest.find('\0');
        if (end == std::string_view::npos) return malformed("anchors");
        anchors.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
    return anchors;
}

Status StoreLog::put_known_anchors(WriteTransaction& txn, const std::vector<std::string>& anchors) const {
    Bytes row;
    for (const std::string& anchor : anchors) {
        sigillo::append(row, anchor);
        row.push_back(0);
    }
    return txn.put(spaces_.state, kAnchorsKey, row);
}

Status StoreLog::put_epoch(WriteTransaction& txn, const LogEpoch& epoch) const {
    Bytes row;
    append_u64(row, epoch.number);
    append_u64(row, epoch.set_aside);
    sigillo::append(row, epoch.origin);
    return txn.put(spaces_.state, kEpochKey, row);
}

Result<Published> StoreLog::published(ReadTransaction& txn) const {
    SIGILLO_ASSIGN(const auto row, txn.get(spaces_.state, kPublishedKey));
    if (!row) return Published{};
    if (row->size() != 24 + kHashSize) return malformed("published");
    Published published{read_u64(*row), {}, read_u64(row->subspan(8)), read_u64(row->subspan(16))};
    std::ranges::copy(row->subspan(24), published.root.begin());
    return published;
}

Status StoreLog::put_published(WriteTransaction& txn, const Published& published) const {
    Bytes row;
    append_u64(row, published.size);
    append_u64(row, published.previous_size);
    append_u64(row, published.packed);
    sigillo::append(row, ByteView(published.root));
    return txn.put(spaces_.state, kPublishedKey, row);
}

Status StoreLog::erase_leaves(WriteTransaction& txn, std::uint64_t from, std::uint64_t to) const {
    for (std::uint64_t index = from; index < to; ++index)
        SIGILLO_TRY(txn.erase(spaces_.leaves, number_key(index)));
    return {};
}

Status StoreLog::reset(WriteTransaction& txn) const {
    std::vector<Bytes> keys;
    SIGILLO_TRY(txn.scan(spaces_.leaves, {}, {}, [&](ByteView key, ByteView) -> Result<bool> {
        keys.push_back(to_bytes(key));
        return true;
    }));
    for (const Bytes& key : keys) SIGILLO_TRY(txn.erase(spaces_.leaves, key));
    SIGILLO_TRY(txn.erase(spaces_.state, kTreeKey));
    return txn.erase(spaces_.state, kPublishedKey);
}

Status StoreLog::visit_leaves(ReadTransaction& txn, std::uint64_t from, const Visit& visit) const {
    SIGILLO_ASSIGN(const Frontier tree, frontier(txn));
    std::uint64_t expected = from;
    bool stopped = false;
    SIGILLO_TRY(
        txn.scan(spaces_.leaves, {}, number_key(from), [&](ByteView key, ByteView value) -> Result<bool> {
            if (key.size() != 8 || read_u64(key) != expected || expected >= tree.size())
                return fail(Errc::kCorrupt,
                            expected < tree.size()
                                ? leaf_place(expected) + " is missing"
                                : leaf_place(expected) + " stands beyond the end of the tree");
            SIGILLO_ASSIGN(const bool more, visit(expected, value));
            ++expected;
            stopped = !more;
            return more;
        }));
    if (!stopped && expected < tree.size()) return fail(Errc::kCorrupt, leaf_place(expected) + " is missing");
    return {};
}

Result<NodeReader> StoreLog::nodes(ReadTransaction& txn) const {
    SIGILLO_ASSIGN(const Published done, published(txn));
    // Full bundles alone have left the store; all that lies beyond can be hashed from the store's leaves, so
    // partial tiles, which a power cut may have taken, are never asked for.
    const std::uint64_t tiled = done.size / kTileWidth * kTileWidth;
    const auto tiles = std::make_shared<TileNodes>(directory_, tiled);
    // Roots of the full tiles at the right edge, whose parents stand in partial tiles: each is asked for
    // several times.
    const auto known = std::make_shared<std::map<std::pair<unsigned, std::uint64_t>, Hash>>();
    return NodeReader([this, &txn, tiles, tiled, known](unsigned level, std::uint64_t index) -> Result<Hash> {
        const auto read = [&](const auto& again, unsigned l, std::uint64_t i) -> Result<Hash> {
            const unsigned tile_level = l / kTileHeight;
            const std::uint64_t last = ((i + 1) << (l % kTileHeight)) - 1;  // among the hashes of tile_level
            if (last / kTileWidth < hashes_at(tiled, tile_level) / kTileWidth) return tiles->node(l, i);
            if (l == 0) {
                SIGILLO_ASSIGN(const auto row, txn.get(spaces_.leaves, number_key(i)));
                if (!row) return fail(Errc::kCorrupt, leaf_place(i) + " is missing");
                return leaf_hash(*row);
            }
            if (const auto found = known->find({l, i}); found != known->end()) return found->second;
            SIGILLO_ASSIGN(const Hash left, again(again, l - 1, 2 * i));
            SIGILLO_ASSIGN(const Hash right, again(again, l - 1, 2 * i + 1));
            const Hash hash = node_hash(left, right);
            if (l % kTileHeight == 0) known->emplace(std::pair(l, i), hash);
            return hash;
        };
        return read(read, level, index);
    });
}

}  // namespace sigillo::audit
