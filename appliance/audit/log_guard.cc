#include "appliance/audit/log_guard.h"

#include <algorithm>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"

namespace sigillo::audit {
namespace {

class Guard {
 public:
    Guard(ReadTransaction& txn, const StoreLog& log, const LogPlaces& places,
          std::string_view override_command)
        : txn_(txn), log_(log), places_(places), override_(override_command) {}

    Status check(const FoundCheckpoints& found, const LogEpoch& epoch, GuardReport& report) {
        SIGILLO_ASSIGN(const Frontier tree, log_.frontier(txn_));
        SIGILLO_ASSIGN(const Published published, log_.published(txn_));
        report.epoch = epoch;
        report.size = tree.size();
        store_ = "the log in the store (" + places_.store.string() + ") has " + grouped(tree.size()) +
                 " leaves in epoch " + std::to_string(epoch.number);
        if (const FoundCheckpoint* newest = found.newest()) {
            report.newest = newest->place;
            report.newest_size = newest->head.checkpoint.size;
        }
        SIGILLO_TRY(check_directory(found, epoch, published));
        SIGILLO_ASSIGN(const NodeReader nodes, log_.nodes(txn_));
        for (const FoundCheckpoint& checkpoint : found.good) {
            if (checkpoint.epoch < epoch.number) continue;  // told of by this epoch's first leaf
            SIGILLO_TRY(check_one(checkpoint, epoch, tree, published, nodes));
        }
        return check_tail(published, tree, nodes);
    }

 private:
    std::unexpected<Error> refuse(const std::string& what) const {
        std::string way_out = ". Bring back the newest store and log directory";
        if (!override_.empty())
            way_out += "; or, to go on from what is here under a new origin, an officer runs: " + override_;
        return fail(Errc::kCorrupt, "start refused: " + what + way_out);
    }

    // The directory is the only home of packed leaves, so it is not optional once something was published.
    Status check_directory(const FoundCheckpoints& found, const LogEpoch& epoch,
                           const Published& published) const {
        const FoundCheckpoint* own = found.in(places_.directory);
        const std::string place = (places_.directory / kCheckpointName).string();
        if (own != nullptr && own->epoch < epoch.number && epoch.set_aside == 0)
            return refuse("rollback of the log directory: " + place + " is of epoch " +
                          std::to_string(own->epoch) + " and size " + grouped(own->head.checkpoint.size) +
                          ", while " + store_);
        if (published.size == 0) return {};
        if (own == nullptr)
            return refuse("the log directory was truncated: " + place + " is missing, size " +
                          grouped(published.size) + " was published there; " + store_);
        if (own->epoch == epoch.number && own->head.checkpoint.size < published.size)
            return refuse("rollback of the log directory: " + place + " has size " +
                          grouped(own->head.checkpoint.size) + ", size " + grouped(published.size) +
                          " was published there; " + store_);
        return {};
    }

    Status check_one(const FoundCheckpoint& found, const LogEpoch& epoch, const Frontier& tree,
                     const Published& published, const NodeReader& nodes) const {
        const Checkpoint& checkpoint = found.head.checkpoint;
        const std::string there = found.place.string() + " has a signed checkpoint of size " +
                                  grouped(checkpoint.size) + " in epoch " + std::to_string(found.epoch);
        if (found.epoch > epoch.number || checkpoint.size > tree.size())
            return refuse("rollback of the store: " + there + ", but " + store_);
        auto proof = consistency_proof(checkpoint.size, tree.size(), nodes);
        if (!proof && (proof.error().code == Errc::kCorrupt || proof.error().code == Errc::kNotFound))
            return refuse("the log was truncated: " + proof.error().detail + "; " + there + ", " + store_);
        if (!proof) return std::unexpected(std::move(proof).error());
        if (!verify_consistency(checkpoint.size, tree.size(), checkpoint.root, tree.root(), *proof))
            return refuse("two different logs: " + there + ", and " + store_ +
                          ", but the one is not an extension of the other" + altered_leaf(published));
        return {};
    }

    // Leaves that only the store has: all there, and those that the tree was made of.
    Status check_tail(const Published& published, const Frontier& tree, const NodeReader& nodes) const {
        auto visited = log_.visit_leaves(txn_, published.packed,
                                         [](std::uint64_t, ByteView) -> Result<bool> { return true; });
        if (!visited && visited.error().code == Errc::kCorrupt)
            return refuse("the log was truncated: " + visited.error().detail + "; " + store_);
        SIGILLO_TRY(std::move(visited));
        auto root = tree_root(tree.size(), nodes);
        if (!root && root.error().code != Errc::kCorrupt && root.error().code != Errc::kNotFound)
            return std::unexpected(std::move(root).error());
        if (!root) return refuse("the log was truncated: " + root.error().detail + "; " + store_);
        if (*root != tree.root())
            return refuse("the leaves and tiles of the log do not hash to its own root" +
                          altered_leaf(published) + "; " + store_);
        return {};
    }

    // Which of the leaves that only the store has is not the one that was published; empty when all are, or
    // when the tiles do not tell.
    std::string altered_leaf(const Published& published) const {
        const std::uint64_t bundle = published.packed / kTileWidth;
        const unsigned width = tile_width(published.size, 0, bundle);
        if (width == 0) return {};
        const auto tile = log_.directory().hashes(0, bundle, width);
        if (!tile) return {};
        std::string found;
        const auto looked = log_.visit_leaves(
            txn_, bundle * kTileWidth, [&](std::uint64_t index, ByteView leaf) -> Result<bool> {
                const std::uint64_t place = index - bundle * kTileWidth;
                if (place >= tile->size()) return false;
                if (leaf_hash(leaf) == (*tile)[place]) return true;
                found = ": log_leaves: leaf " + std::to_string(index) +
                        " is not the one that was published in " +
                        log_.directory().path_of({false, 0, bundle, width}).string();
                return false;
            });
        return looked ? found : std::string();
    }

    ReadTransaction& txn_;
    const StoreLog& log_;
    const LogPlaces& places_;
    const std::string override_;
    std::string store_;
};

Status move_aside(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code code;
    if (!std::filesystem::exists(from, code)) return {};
    if (std::filesystem::exists(to, code))
        return fail(Errc::kConflict, to.string() + " is there already, and so is " + from.string() +
                                         ": one of them has to be moved away by hand");
    std::filesystem::create_directories(to.parent_path(), code);
    if (!code) std::filesystem::rename(from, to, code);
    if (code)
        return std::unexpected(errno_error(code.value(), "move " + from.string() + " to " + to.string()));
    SIGILLO_TRY(sync_directory(to.parent_path()));
    SIGILLO_TRY(sync_directory(to.parent_path().parent_path()));
    return sync_directory(from.parent_path());
}

std::filesystem::path epoch_directory(const LogPlaces& places, std::uint64_t epoch) {
    return places.directory / "epochs" / std::to_string(epoch);
}

// Nothing of the new epoch is published before this is done, so whatever stands here is of the old one.
Status finish_setting_aside(Store& store, const StoreLog& log, const LogPlaces& places, LogEpoch epoch) {
    const auto aside = epoch_directory(places, epoch.set_aside);
    SIGILLO_TRY(move_aside(places.directory / kCheckpointName, aside / kCheckpointName));
    SIGILLO_TRY(move_aside(places.directory / "tile", aside / "tile"));
    epoch.set_aside = 0;
    return store.update([&](WriteTransaction& txn) { return log.put_epoch(txn, epoch); });
}

Status refuse_bad(const FoundCheckpoints& found, GuardReport& report, std::string_view override_command) {
    for (const Error& error : found.bad) {
        if (error.code != Errc::kCorrupt) {
            report.warnings.push_back(error.detail);
            continue;
        }
        std::string detail = "start refused: a checkpoint of this log was tampered with: " + error.detail;
        if (!override_command.empty())
            detail.append("; to go on under a new origin, an officer runs: ").append(override_command);
        return fail(Errc::kCorrupt, std::move(detail));
    }
    return {};
}

// Leaves that stand in the store alone, so that the override loses none of them.
Status keep_unpacked_leaves(ReadTransaction& txn, const StoreLog& log, const std::filesystem::path& aside) {
    SIGILLO_ASSIGN(const Published published, log.published(txn));
    Bytes entries;
    // What is left may be damaged, which may be why the override is needed: keep what there is.
    const auto visited =
        log.visit_leaves(txn, published.packed, [&](std::uint64_t, ByteView leaf) -> Result<bool> {
            append_entry(entries, leaf);
            return true;
        });
    if (!visited && visited.error().code != Errc::kCorrupt) return visited;
    if (entries.empty()) return {};
    std::error_code code;
    std::filesystem::create_directories(aside, code);
    if (code) return std::unexpected(errno_error(code.value(), "mkdir " + aside.string()));
    return write_file_durably(aside / ("unpublished-" + std::to_string(published.packed) + ".entries"),
                              entries);
}

// An anchor that once had a checkpoint of this log and has none now is one that somebody emptied, or a mount
// point without its mount: it would let any rollback pass.
Status check_anchors(Store& store, const StoreLog& log, const LogPlaces& places,
                     const FoundCheckpoints& found, std::string_view override_command) {
    SIGILLO_ASSIGN(const auto known,
                   view_returning(store, [&](ReadTransaction& txn) { return log.known_anchors(txn); }));
    std::vector<std::string> seen;
    for (const auto& anchor : places.anchors) {
        const std::string name = anchor.string();
        if (found.below(anchor)) {
            seen.push_back(name);
        } else if (std::ranges::find(known, name) != known.end()) {
            std::string detail =
                "start refused: the rollback anchor " + name +
                " has had checkpoints of this log, and has none now. Mount it, or bring it back; if it "
                "is gone for good, take it out of log.anchors";
            if (!override_command.empty()) detail.append(", or an officer runs: ").append(override_command);
            return fail(Errc::kCorrupt, std::move(detail));
        }
    }
    if (seen == known) return {};
    return store.update([&](WriteTransaction& txn) { return log.put_known_anchors(txn, seen); });
}

}  // namespace

Result<GuardReport> guard_log(Store& store, const StoreLog& log, const LogIdentity& identity,
                              const LogPlaces& places, std::string_view override_command) {
    const FoundCheckpoints found = find_checkpoints(places, identity.keys(), identity.base_origin());
    GuardReport report;
    SIGILLO_TRY(refuse_bad(found, report, override_command));
    SIGILLO_ASSIGN(const auto epoch,
                   view_returning(store, [&](ReadTransaction& txn) { return log.epoch(txn); }));
    if (!epoch && found.good.empty()) {
        report.epoch = {1, epoch_origin(identity.base_origin(), 1), 0};
        SIGILLO_TRY(store.update([&](WriteTransaction& txn) { return log.put_epoch(txn, report.epoch); }));
        SIGILLO_TRY(store.view([&](ReadTransaction& txn) -> Status {
            SIGILLO_ASSIGN(const Frontier tree, log.frontier(txn));
            report.size = tree.size();
            return {};
        }));
        return report;
    }
    if (epoch && epoch->origin != epoch_origin(identity.base_origin(), epoch->number))
        return fail(Errc::kConflict,
                    "the log in the store has the origin " + epoch->origin + ", the configuration " +
                        identity.base_origin() + ": set it back, a log keeps its name",
                    "origin");
    SIGILLO_TRY(store.view([&](ReadTransaction& txn) {
        return Guard(txn, log, places, override_command).check(found, epoch.value_or(LogEpoch{}), report);
    }));
    SIGILLO_TRY(check_anchors(store, log, places, found, override_command));
    if (report.epoch.set_aside != 0) {
        SIGILLO_TRY(finish_setting_aside(store, log, places, report.epoch));
        report.epoch.set_aside = 0;
    }
    return report;
}

Result<LogEpoch> open_epoch(Store& store, StoreLog& log, const LogIdentity& identity, const LogPlaces& places,
                            const EpochOrder& order) {
    const FoundCheckpoints found = find_checkpoints(places, identity.keys(), identity.base_origin());
    const FoundCheckpoint* newest = found.newest();
    const FoundCheckpoint* own = found.in(places.directory);
    SIGILLO_ASSIGN(const auto old,
                   view_returning(store, [&](ReadTransaction& txn) { return log.epoch(txn); }));
    if (old && old->set_aside != 0) SIGILLO_TRY(finish_setting_aside(store, log, places, *old));

    const std::uint64_t store_epoch = old ? old->number : 0;
    LogEpoch next;
    next.number = std::max(store_epoch, newest != nullptr ? newest->epoch : 0) + 1;
    next.origin = epoch_origin(identity.base_origin(), next.number);
    // Without a checkpoint that can be read, the directory is taken to be of the store's epoch.
    next.set_aside = own != nullptr ? own->epoch : store_epoch;
    const auto aside = epoch_directory(places, next.set_aside);
    for (const auto* name : {"checkpoint", "tile"}) {
        std::error_code code;
        if (std::filesystem::exists(places.directory / name, code) &&
            std::filesystem::exists(aside / name, code))
            return fail(Errc::kConflict,
                        (aside / name).string() + " is there already: move it away by hand first");
    }

    Event first("epoch.opened", order.time);
    first.set("epoch", next.number)
        .set("origin", next.origin)
        .set("officer", order.officer)
        .set("reason", order.reason);
    if (newest != nullptr) {
        first.set("previous_checkpoint", newest->head.note);
        first.set("previous_epoch", newest->epoch);
        first.set("previous_size", newest->head.checkpoint.size);
    }
    SIGILLO_TRY(store.view([&](ReadTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const TreeHead head, log.head(txn));
        first.set("store_epoch", store_epoch)
            .set("store_size", head.size)
            .set_base64("store_root", head.root);
        return keep_unpacked_leaves(txn, log, epoch_directory(places, store_epoch));
    }));
    SIGILLO_TRY(store.update([&](WriteTransaction& txn) -> Status {
        SIGILLO_TRY(log.reset(txn));
        SIGILLO_TRY(log.put_epoch(txn, next));
        SIGILLO_TRY(
            log.put_known_anchors(txn, {}));  // the officer's word stands for what an anchor would say
        SIGILLO_ASSIGN([[maybe_unused]] const std::uint64_t index, log.append(txn, first));
        return order.also ? order.also(txn, next) : Status();
    }));
    SIGILLO_TRY(finish_setting_aside(store, log, places, next));
    next.set_aside = 0;
    return next;
}

}  // namespace sigillo::audit
