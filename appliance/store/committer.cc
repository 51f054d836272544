#include "appliance/store/committer.h"

#include <lmdb.h>
#include <pthread.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "appliance/store/lmdb_transaction.h"

namespace sigillo {
namespace {

using Steady = std::chrono::steady_clock;

// The writes of an ordinary group fit; larger ones take from the heap.
constexpr std::size_t kArenaSize = std::size_t{256} << 10;

// How often a table that should be flushed asks whether the one before it is done.
constexpr std::chrono::milliseconds kFlusherPoll{50};

Status run_body(DeferredUpdate& update, WriteTransaction& txn) {
    try {
        return update.run(txn);
    } catch (const std::exception& e) {
        return fail(Errc::kInternal, std::string("a transaction's body threw: ") + e.what());
    } catch (...) {
        return fail(Errc::kInternal, "a transaction's body threw");
    }
}

}  // namespace

// What came of running the first `ran` members of a group: without `failure` their results hold, with it none
// of them happened.
struct Committer::Attempt {
    std::size_t ran;
    bool wrote;
    std::optional<Error> failure;
};

Committer::Committer(const LmdbConfig& config, const CommitterParts& parts, std::shared_ptr<MemTable> active,
                     const BatchMark& last)
    : config_(config),
      parts_(parts),
      queue_(config.queue_limit, config.group_limit, config.linger),
      arena_memory_(std::make_unique_for_overwrite<std::byte[]>(kArenaSize)),
      arena_(arena_memory_.get(), kArenaSize),
      active_(std::move(active)),
      last_(last) {
    thread_ = std::thread([this] { run(); });
    id_ = thread_.get_id();
}

Committer::~Committer() {
    if (!thread_.joinable()) return;
    close();
    thread_.join();
}

void Committer::run() {
    pthread_setname_np(pthread_self(), "store-commit");
    next_upkeep_ = Steady::now() + config_.upkeep;
    for (;;) {
        const auto taken = queue_.take(patience());
        if (taken.closed) break;
        if (taken.group) {
            commit(taken.group->members());
            taken.group->finish();
        }
        if (due() && parts_.flusher.idle()) freeze();
        if (Steady::now() >= next_upkeep_) {
            upkeep();
            next_upkeep_ = Steady::now() + config_.upkeep;
        }
    }
    if (const Status drained = drain(); !drained)
        parts_.logger.warning("store_journal_kept", {{"error", drained.error()}});
}

std::chrono::milliseconds Committer::patience() const {
    const auto until_upkeep = std::max<Steady::duration>(next_upkeep_ - Steady::now(), {});
    auto patience = std::chrono::ceil<std::chrono::milliseconds>(until_upkeep);
    if (active_->empty()) return patience;
    const auto until_flush =
        std::chrono::ceil<std::chrono::milliseconds>(active_since_ + config_.flush_age - Steady::now());
    return std::min(patience, std::max(until_flush, kFlusherPoll));
}

// ---- groups -------------------------------------------------------------------------------------

void Committer::commit(std::span<PendingUpdate> group) {
    while (!group.empty()) {
        const Attempt tried = attempt(group);
        const auto done = group.first(tried.ran);
        group = group.subspan(tried.ran);
        if (tried.failure && tried.failure->code != Errc::kUnavailable && done.size() > 1) {
            // One large update must not fail the others: each for itself.
            for (PendingUpdate& member : done) commit({&member, 1});
            continue;
        }
        if (!tried.failure) {
            if (tried.wrote) note_commit({});
            continue;
        }
        note_commit(std::unexpected(*tried.failure));
        for (PendingUpdate& member : done) member.result = std::unexpected(*tried.failure);
    }
}

Committer::Attempt Committer::attempt(std::span<PendingUpdate> group) {
    if (Status ready = prepare(); !ready) return {group.size(), false, std::move(ready).error()};
    arena_.release();
    WriteSet writes(&arena_);
    auto ran = run_bodies(group, writes);
    if (!ran) return {group.size(), false, std::move(ran).error()};
    // Nothing written: the commit would be empty, and say nothing about the disk.
    if (writes.empty()) return {*ran, false, std::nullopt};
    if (Status persisted = persist(writes); !persisted) return {*ran, false, std::move(persisted).error()};
    return {*ran, true, std::nullopt};
}

Result<std::size_t> Committer::run_bodies(std::span<PendingUpdate> group, WriteSet& writes) {
    SIGILLO_TRY(begin_reading());
    // At its end, so that no page waits for it.
    struct Reset {
        MDB_txn* txn;
        ~Reset() { mdb_txn_reset(txn); }
    } const reset{reading_.get()};
    SIGILLO_ASSIGN(const Snapshot snapshot, parts_.layers.join(reading_.get()));
    LayeredRead committed(parts_.env, reading_.get(), snapshot);
    committed.lay(writes);
    std::size_t ran = 0;
    std::size_t bytes = 0;
    while (ran < group.size() && bytes < config_.group_bytes) {
        PendingUpdate& member = group[ran++];
        UpdateTransaction txn(parts_.env, committed, &arena_, config_.transaction_bytes);
        member.result = run_body(*member.update, txn);
        if (!member.result) continue;
        writes.take(txn.writes());
        bytes += txn.bytes();
    }
    return ran;
}

Status Committer::begin_reading() {
    if (reading_ && mdb_txn_renew(reading_.get()) == 0) return {};
    SIGILLO_ASSIGN(reading_, parts_.env.begin(true));
    return {};
}

// ---- making it durable --------------------------------------------------------------------------

// What must be in order before a group is run.
Status Committer::prepare() {
    if (suspect_) return drain();
    SIGILLO_TRY(parts_.flusher.ready());
    if (overdue()) {
        SIGILLO_TRY(parts_.flusher.wait());
        freeze();
    }
    return {};
}

Status Committer::persist(const WriteSet& writes) {
    const Load load = writes.load();
    const BatchMark mark = build_batch(writes, load);
    const auto fits = [&] {
        Load all = active_->load();
        all += load;
        if (!parts_.flusher.idle()) all += frozen_load_;
        return parts_.room.fits(all);
    };
    if (!fits()) {
        SIGILLO_TRY(drain());
        parts_.room.measure();
        if (!fits()) return write_below(writes, mark);
    }
    return append(writes, mark, load);
}

BatchMark Committer::build_batch(const WriteSet& writes, const Load& load) {
    batch_.begin(last_, load.bytes);
    std::optional<std::size_t> space;
    static_cast<void>(writes.for_each([&](std::size_t index, ByteView key, const RowValue& value) -> Status {
        if (index != space) batch_.space(parts_.env.space(index).name);
        space = index;
        if (value) {
            batch_.put(key, *value);
        } else {
            batch_.erase(key);
        }
        return {};
    }));
    return batch_.finish();
}

Status Committer::append(const WriteSet& writes, const BatchMark& mark, const Load& load) {
    if (!journal_) {
        SIGILLO_ASSIGN(journal_, Journal::create(config_.directory, mark.sequence));
    }
    if (Status appended = journal_->append(batch_.bytes()); !appended) {
        if (!journal_->usable()) {
            // A crash may still bring this batch back, though its updates are refused now. So its number is
            // not used again, and nothing is acknowledged until LMDB holds everything before it and says
            // that it is past this number: drain().
            last_ = mark;
            suspect_ = true;
        }
        return appended;
    }
    if (load.rows > 0 && active_->empty()) active_since_ = Steady::now();
    SIGILLO_TRY(writes.for_each([&](std::size_t space, ByteView key, const RowValue& value) -> Status {
        active_->add(mark.sequence, space, key, value);
        return {};
    }));
    last_ = mark;
    parts_.layers.publish(mark);
    return {};
}

// Past the journal, after drain().
Status Committer::write_below(const WriteSet& writes, const BatchMark& mark) {
    SIGILLO_ASSIGN(LmdbTxn txn, parts_.env.begin(false));
    SIGILLO_TRY(writes.for_each([&](std::size_t space, ByteView key, const RowValue& value) {
        return parts_.env.write(txn.get(), space, key, value);
    }));
    SIGILLO_TRY(parts_.env.set_applied(txn.get(), mark));
    const std::uint64_t id = mdb_txn_id(txn.get());
    SIGILLO_TRY(parts_.env.commit(std::move(txn)));
    last_ = mark;
    parts_.layers.publish_below(mark, id);
    return {};
}

// ---- to LMDB ------------------------------------------------------------------------------------

bool Committer::overdue() const {
    return active_->memory() >= config_.flush_bytes ||
           (journal_ && journal_->bytes() >= config_.journal_bytes);
}

bool Committer::due() const {
    return overdue() || (!active_->empty() && Steady::now() >= active_since_ + config_.flush_age);
}

// While the flusher is idle: what is in the active table goes to LMDB, and a new one begins.
void Committer::freeze() {
    std::vector<std::string> files;
    if (journal_) files.push_back(journal_->path());
    journal_.reset();
    frozen_load_ = active_->load();
    active_ = std::make_shared<MemTable>(config_.flush_bytes);
    parts_.layers.freeze(active_);
    parts_.flusher.start(last_, std::move(files));
}

// Until everything is in LMDB, and no journal file is left.
Status Committer::drain() {
    SIGILLO_TRY(parts_.flusher.wait());
    if (!active_->empty() || journal_ || suspect_) {
        freeze();
        SIGILLO_TRY(parts_.flusher.wait());
    }
    suspect_ = false;
    return {};
}

void Committer::upkeep() {
    if (const auto dead = parts_.env.clear_dead_readers(); !dead) {
        parts_.logger.warning("store_reader_check_failed", {{"error", dead.error()}});
    } else if (*dead > 0) {
        parts_.logger.notice("store_dead_readers_cleared", {{"count", *dead}});
    }
    if (!parts_.condition.failed(StoreCondition::Part::kCommit)) return;
    // A batch without rows: whether writing works again.
    Status tried = prepare();
    if (tried) {
        arena_.release();
        tried = persist(WriteSet(&arena_));
    }
    note_commit(tried);
}

void Committer::note_commit(const Status& status) {
    // A limit that one update broke says nothing about the store.
    if (!status && status.error().code == Errc::kLimitExceeded) return;
    parts_.condition.note(StoreCondition::Part::kCommit, status);
}

}  // namespace sigillo
