#include "appliance/audit/publisher.h"

#include <algorithm>
#include <utility>

#include "appliance/base/file.h"

namespace sigillo::audit {
namespace {

std::uint64_t full_bundles(std::uint64_t size) {
    return size / kTileWidth * kTileWidth;
}

}  // namespace

Publisher::Publisher(Store& store, const StoreLog& log, LogIdentity identity, LogPlaces places,
                     const Clock& clock, Logger& logger, PublisherConfig config)
    : store_(store),
      log_(log),
      identity_(std::move(identity)),
      places_(std::move(places)),
      clock_(clock),
      logger_(logger),
      config_(config),
      writer_(places_.directory) {}

Result<std::unique_ptr<Publisher>> Publisher::create(Store& store, const StoreLog& log, LogIdentity identity,
                                                     LogPlaces places, const Clock& clock, Logger& logger,
                                                     PublisherConfig config) {
    std::unique_ptr<Publisher> publisher(
        new Publisher(store, log, std::move(identity), std::move(places), clock, logger, config));
    SIGILLO_TRY(publisher->open());
    SIGILLO_TRY(publisher->publish());
    return publisher;
}

Publisher::~Publisher() {
    stop();
}

// ---- taking up the thread
// -------------------------------------------------------------------------------------------

Status Publisher::open() {
    SIGILLO_TRY(writer_.prepare());
    const auto place = places_.directory / kCheckpointName;
    const auto note = read_file(place, kNoteLimit);
    if (!note && note.error().code != Errc::kNotFound) return std::unexpected(note.error());
    SIGILLO_TRY(store_.view([&](ReadTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const auto epoch, log_.epoch(txn));
        if (!epoch || epoch->set_aside != 0) return fail(Errc::kConflict, "the log was not checked at start");
        epoch_ = *epoch;
        SIGILLO_ASSIGN(published_, log_.published(txn));
        if (!note) return {};  // nothing of this epoch was published yet: the empty tree
        SIGILLO_ASSIGN(const SignedCheckpoint head, open_checkpoint(as_text(*note), identity_.keys()));
        if (head.checkpoint.origin != epoch_.origin)
            return fail(Errc::kConflict,
                        place.string() + " is of " + head.checkpoint.origin + ", not of " + epoch_.origin);

        const std::uint64_t size = head.checkpoint.size;
        const std::uint64_t open_bundle = full_bundles(size);
        std::vector<Bytes> entries;
        if (size > open_bundle)
            SIGILLO_TRY(
                log_.visit_leaves(txn, open_bundle, [&](std::uint64_t index, ByteView leaf) -> Result<bool> {
                    entries.push_back(to_bytes(leaf));
                    return index + 1 < size;
                }));
        SIGILLO_ASSIGN(const NodeReader nodes, log_.nodes(txn));
        SIGILLO_ASSIGN(tree_, TileBuilder::create(size, entries, nodes));
        if (tree_.root() != head.checkpoint.root)
            return fail(Errc::kCorrupt, places_.directory.string() +
                                            ": tiles and leaves do not hash to the checkpoint of size " +
                                            std::to_string(size));
        // A crash may have come between the checkpoint and the store's note of it.
        if (published_.size != size) published_.previous_size = published_.size;
        published_.size = size;
        published_.root = head.checkpoint.root;
        return {};
    }));
    if (note) {
        released_ = as_text(*note);
        // Partial tiles are the ones that a power cut can have damaged: write those of this checkpoint again.
        SIGILLO_TRY(tree_.write_partials(
            [&](const TileName& name, ByteView contents) { return writer_.put(name, contents); }));
        SIGILLO_TRY(writer_.sync());
    }
    const std::lock_guard lock(mutex_);
    newest_note_ = released_;
    health_.published = published_.size;
    health_.anchor = anchor_weakness(places_);
    return {};
}

// ---- one publication
// --------------------------------------------------------------------------------------------

Status Publisher::publish() {
    const std::lock_guard one(publishing_);
    Status status = advance();
    if (status) status = pack();
    note_result(status);
    return status;
}

Status Publisher::quietly(const std::function<Status(const std::string& checkpoint)>& work) {
    const std::lock_guard one(publishing_);
    return work(released_);
}

Status Publisher::advance() {
    SIGILLO_ASSIGN(
        const Frontier target, view_returning(store_, [&](ReadTransaction& txn) -> Result<Frontier> {
            SIGILLO_ASSIGN(const auto epoch, log_.epoch(txn));
            if (!epoch || epoch->number != epoch_.number || epoch->origin != epoch_.origin)
                return fail(Errc::kConflict,
                            "the log in the store is no longer of epoch " + std::to_string(epoch_.number));
            return log_.frontier(txn);
        }));
    note_committed(target.size());
    if (target.size() == tree_.size() && !released_.empty()) {
        if (target.root() != tree_.root())
            return fail(Errc::kCorrupt,
                        "the store's log has another tree than the one published, at the same size " +
                            std::to_string(target.size()) + ": nothing more is signed");
        return {};
    }
    if (target.size() < tree_.size())
        return fail(Errc::kCorrupt, "the store's log has " + std::to_string(target.size()) + " leaves, " +
                                        std::to_string(tree_.size()) +
                                        " were published: nothing more is signed");
    TileBuilder next = tree_;
    SIGILLO_TRY(build_up_to(next, target.size()));
    if (next.root() != target.root())
        return fail(Errc::kCorrupt, "the store's leaves do not hash to its tree at size " +
                                        std::to_string(target.size()) + ": nothing more is signed");
    SIGILLO_TRY(next.write_partials(
        [&](const TileName& name, ByteView contents) { return writer_.put(name, contents); }));
    SIGILLO_TRY(writer_.sync());
    SIGILLO_TRY(release({epoch_.origin, next.size(), next.root()}));
    tree_ = std::move(next);
    return settle({tree_.size(), tree_.root(), published_.size, published_.packed});
}

Status Publisher::build_up_to(TileBuilder& next, std::uint64_t size) {
    const TileBuilder::Sink sink = [&](const TileName& name, ByteView contents) {
        return writer_.put(name, contents);
    };
    while (next.size() < size) {
        std::vector<Bytes> leaves;
        const std::uint64_t end = std::min(size, next.size() + config_.read_leaves);
        SIGILLO_TRY(store_.view([&](ReadTransaction& txn) {
            return log_.visit_leaves(txn, next.size(),
                                     [&](std::uint64_t index, ByteView leaf) -> Result<bool> {
                                         leaves.push_back(to_bytes(leaf));
                                         return index + 1 < end;
                                     });
        }));
        for (const Bytes& leaf : leaves) SIGILLO_TRY(next.append(leaf, sink));
    }
    return {};
}

// Tiles are durable; the checkpoint is signed and takes their place at the head.
Status Publisher::release(const Checkpoint& checkpoint) {
    const auto place = places_.directory / kCheckpointName;
    const auto there = read_file(place, kNoteLimit);
    if (!there && there.error().code != Errc::kNotFound) return std::unexpected(there.error());
    if ((there ? as_text(*there) : std::string_view()) != released_)
        return fail(Errc::kConflict, place.string() +
                                         " is not the checkpoint that this process put there: somebody else "
                                         "publishes this log or changed it; nothing more is signed");
    SIGILLO_ASSIGN(std::string note, identity_.sign(checkpoint));
    SIGILLO_TRY(write_file_durably(place, as_bytes(note)));
    released_ = note;
    const std::lock_guard lock(mutex_);
    newest_note_ = std::move(note);
    health_.published = checkpoint.size;
    if (health_.committed <= checkpoint.size)
        unpublished_since_ms_ = -1;
    else
        unpublished_since_ms_ = clock_.boot_now().count();
    wake_anchors_.notify_one();
    return {};
}

// The store notes what was published; partial tiles that neither of the last two checkpoints needs are
// removed.
Status Publisher::settle(const Published& published) {
    const std::uint64_t forgotten = published_.previous_size;
    SIGILLO_TRY(store_.update([&](WriteTransaction& txn) { return log_.put_published(txn, published); }));
    published_ = published;
    for (unsigned level = 0; level < tile_levels(published.size); ++level) {
        const std::uint64_t last = hashes_at(published.size, level) / kTileWidth;
        for (std::uint64_t index = hashes_at(forgotten, level) / kTileWidth; index <= last; ++index)
            SIGILLO_TRY(TileWriter::remove_partials(places_.directory, level, index,
                                                    {published.size, published.previous_size}));
    }
    return {};
}

// Full bundles below the newest checkpoint are durable: the store need not keep their leaves.
Status Publisher::pack() {
    const std::uint64_t end = full_bundles(published_.size);
    while (published_.packed < end) {
        Published packed = published_;
        packed.packed = std::min(end, packed.packed + config_.pack_leaves);
        SIGILLO_TRY(store_.update([&](WriteTransaction& txn) -> Status {
            SIGILLO_TRY(log_.erase_leaves(txn, published_.packed, packed.packed));
            return log_.put_published(txn, packed);
        }));
        published_ = packed;
    }
    return {};
}

// ---- anchors
// ----------------------------------------------------------------------------------------------------

Status Publisher::write_anchors(const std::string& note) {
    SIGILLO_ASSIGN(const SignedCheckpoint ours, open_checkpoint(note, identity_.keys()));
    Status result;
    for (const auto& anchor : places_.anchors) {
        const auto place = anchor / anchor_file_name(ours.checkpoint.origin);
        const auto status = [&]() -> Status {
            // An anchor that knows more than we do is evidence, not something to overwrite.
            const auto there = read_file(place, kNoteLimit);
            if (!there && there.error().code != Errc::kNotFound) return std::unexpected(there.error());
            if (there) {
                const auto theirs = open_checkpoint(as_text(*there), identity_.keys());
                if (!theirs) return fail(Errc::kCorrupt, place.string() + ": " + theirs.error().detail);
                const Checkpoint& known = theirs->checkpoint;
                if (known.size > ours.checkpoint.size ||
                    (known.size == ours.checkpoint.size && known.root != ours.checkpoint.root))
                    return fail(Errc::kCorrupt, place.string() + " has a checkpoint of size " +
                                                    std::to_string(known.size) +
                                                    " that this log is behind of or differs from");
            }
            return write_file_durably(place, as_bytes(note));
        }();
        if (!status && result) result = status;
    }
    // From now on their absence is noticed at start: log_guard.h.
    if (result && !anchors_noted_ && !places_.anchors.empty()) {
        const std::vector<std::string> names(places_.anchors.begin(), places_.anchors.end());
        result = store_.update([&](WriteTransaction& txn) { return log_.put_known_anchors(txn, names); });
        anchors_noted_ = result.has_value();
    }
    return result;
}

void Publisher::run_anchors() {
    std::string written;
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_anchors_.wait(lock, [&] { return published_last_ || newest_note_ != written; });
        if (newest_note_ != written) {
            const std::string note = newest_note_;
            lock.unlock();
            const Status status = write_anchors(note);
            lock.lock();
            const std::string reason =
                status ? anchor_weakness(places_) : "rollback anchor: " + status.error().detail;
            if (!status && health_.anchor != reason)
                logger_.error("log_anchor_failed", {{"error", status.error()}});
            health_.anchor = reason;
            if (status) written = note;
        }
        if (published_last_) return;
        wake_anchors_.wait_for(lock, config_.anchor_interval, [&] { return published_last_; });
    }
}

// ---- threads and health
// -------------------------------------------------------------------------------------------

void Publisher::start() {
    const std::lock_guard lock(mutex_);
    if (thread_.joinable()) return;
    stopping_ = published_last_ = false;
    thread_ = std::thread([this] { run(); });
    if (!places_.anchors.empty()) anchor_thread_ = std::thread([this] { run_anchors(); });
}

void Publisher::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();  // publishes a last time
    {
        const std::lock_guard lock(mutex_);
        published_last_ = true;
    }
    wake_anchors_.notify_all();
    if (anchor_thread_.joinable()) anchor_thread_.join();
}

void Publisher::run() {
    for (;;) {
        std::unique_lock lock(mutex_);
        const bool last = stopping_;
        lock.unlock();
        const bool good = publish().has_value();
        if (last) return;
        lock.lock();
        wake_.wait_for(lock, good ? config_.interval : config_.retry_interval, [&] { return stopping_; });
    }
}

void Publisher::note_committed(std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    health_.committed = size;
    if (size > health_.published && unpublished_since_ms_ < 0)
        unpublished_since_ms_ = clock_.boot_now().count();
}

void Publisher::note_result(const Status& status) {
    const std::lock_guard lock(mutex_);
    const std::string reason = status ? std::string() : to_string(status.error());
    if (reason != health_.reason) {
        if (status)
            logger_.notice("log_publishing_resumed", {{"size", health_.published}});
        else
            logger_.error("log_publishing_failed", {{"error", status.error()}});
    }
    health_.publishing = status.has_value();
    health_.reason = reason;
}

LogHealth Publisher::health() const {
    const std::lock_guard lock(mutex_);
    LogHealth health = health_;
    if (unpublished_since_ms_ >= 0) health.lag_ms = clock_.boot_now().count() - unpublished_since_ms_;
    if (health.reason.empty() && health.lag_ms > config_.lag_limit.count()) {
        health.publishing = false;
        health.reason = "the log is published late: " + std::to_string(health.lag_ms) + " ms";
    }
    return health;
}

std::string Publisher::checkpoint() const {
    const std::lock_guard lock(mutex_);
    return newest_note_;
}

}  // namespace sigillo::audit
