#include "appliance/audit/sweep.h"

#include <algorithm>
#include <array>

#include "appliance/audit/tile_builder.h"
#include "appliance/audit/verify/leaf.h"
#include "appliance/base/file.h"
#include "appliance/store/place.h"

namespace sigillo::audit {
namespace {

constexpr std::array kTracked{
    tables::kClients.space,      tables::kSigners.space,     tables::kFactors.space,
    tables::kFactorStates.space, tables::kCredentials.space, tables::kCredentialStates.space,
    tables::kRevocations.space,  tables::kAuthority.space,   tables::kOcspResponder.space};
static_assert(tables::kClients.tracked && tables::kSigners.tracked && tables::kFactors.tracked &&
              tables::kFactorStates.tracked && tables::kCredentials.tracked &&
              tables::kCredentialStates.tracked && tables::kRevocations.tracked &&
              tables::kAuthority.tracked && tables::kOcspResponder.tracked);

constexpr std::uint64_t kSeen = std::uint64_t{1} << 63;  // in Entry::leaf
constexpr std::size_t kBaselineEvent = 200;              // records in one event: well below 65,535 bytes
constexpr std::size_t kBaselineLimit = 20'000;  // records noted in one pass; the next round takes up the rest

std::uint64_t record_hash(std::string_view space, ByteView key) {
    constexpr std::uint8_t kZero = 0;
    const std::uint64_t hash = read_u64(sha256({as_bytes(space), ByteView(&kZero, 1), key}));
    return hash == 0 ? 1 : hash;
}

}  // namespace

// ---- one pass over log and records
// ----------------------------------------------------------------------------------

struct Sweep::Walk {
    std::uint64_t part;
    std::uint64_t parts;
    TileBuilder tree{};  // of the leaves walked
    std::uint64_t epoch = 0;
    std::uint64_t published = 0;  // size of the newest checkpoint that the store knows of
    bool overflow = false;
    bool tree_doubted = false;  // one finding about it is enough
    std::size_t space = 0;      // in tracked_; where the comparison stands
    Bytes from{};
    std::size_t slot = 0;  // where the look-up of unseen records stands

    // Parts are taken by the high bits, slots by the low ones.
    bool has(std::uint64_t record) const { return (record >> 40) % parts == part; }
};

Sweep::Sweep(Ledger& ledger, StoreLog& log, Logger& logger, SweepConfig config,
             std::span<const Space> tracked)
    : ledger_(ledger),
      log_(log),
      logger_(logger),
      config_(config),
      tracked_(tracked.empty() ? std::vector<Space>(kTracked.begin(), kTracked.end())
                               : std::vector<Space>(tracked.begin(), tracked.end())),
      table_(config.table_entries) {}

Sweep::~Sweep() {
    stop();
}

Status Sweep::run_round() {
    found_.clear();
    for (std::uint64_t parts = 1;; parts *= 2) {
        bool overflow = false;
        baseline_.clear();
        {
            const std::lock_guard lock(mutex_);
            health_.leaves = 0;
            health_.records = 0;
        }
        for (std::uint64_t part = 0; part < parts && !overflow; ++part) {
            if (auto status = run_pass(part, parts, overflow); !status) {
                SIGILLO_TRY(report_findings());
                return status;
            }
        }
        if (!overflow) break;
    }
    SIGILLO_TRY(report_findings());
    SIGILLO_TRY(log_baseline());
    const std::lock_guard lock(mutex_);
    ++health_.rounds;
    health_.clean = found_.empty();
    health_.findings = found_;
    return {};
}

Status Sweep::run_pass(std::uint64_t part, std::uint64_t parts, bool& overflow) {
    table_.clear();
    Walk walk{part, parts};
    SIGILLO_TRY(in_steps(walk, [&](ReadTransaction& txn) -> Result<bool> {
        SIGILLO_ASSIGN(const auto epoch, log_.epoch(txn));
        walk.epoch = epoch ? epoch->number : 1;
        SIGILLO_ASSIGN(const std::uint64_t size, log_.size(txn));
        if (walk.tree.size() < size) SIGILLO_TRY(read_leaves(txn, walk));
        return walk.tree.size() < size;
    }));
    // A log that does not hold says nothing about records: the next two stop at once when catch_up() finds
    // that.
    SIGILLO_TRY(in_steps(walk, [&](ReadTransaction& txn) -> Result<bool> {
        SIGILLO_TRY(catch_up(txn, walk));
        if (walk.tree_doubted) return false;
        return compare_some(txn, walk);
    }));
    SIGILLO_TRY(in_steps(walk, [&](ReadTransaction& txn) -> Result<bool> {
        SIGILLO_TRY(catch_up(txn, walk));
        if (walk.tree_doubted) return false;
        return look_up_some(txn, walk);
    }));
    overflow = walk.overflow;
    return {};
}

// One short snapshot a step, with a pause between; until the step says that there is no more, or the table is
// full.
Status Sweep::in_steps(Walk& walk, const std::function<Result<bool>(ReadTransaction& txn)>& step) {
    for (bool more = true; more && !walk.overflow;) {
        SIGILLO_TRY(ledger_.store().view([&](ReadTransaction& txn) -> Status {
            SIGILLO_ASSIGN(more, step(txn));
            return {};
        }));
        if (!pause()) return fail(Errc::kUnavailable, "shutting down");
    }
    return {};
}

// Up to the head of this very snapshot; then the table says what its records must be.
Status Sweep::catch_up(ReadTransaction& txn, Walk& walk) {
    SIGILLO_ASSIGN(const Frontier tree, log_.frontier(txn));
    while (walk.tree.size() < tree.size() && !walk.overflow) SIGILLO_TRY(read_leaves(txn, walk));
    if (walk.tree.size() == tree.size() && walk.tree.root() != tree.root() && !walk.tree_doubted) {
        walk.tree_doubted = true;
        add_finding("log: the first " + std::to_string(tree.size()) +
                    " leaves do not hash to the root that the store has; records are not compared with it");
    }
    return {};
}

// Some more leaves: those of one bundle, or as many from the store. Without them no later leaf can be placed:
// then that is the finding, and nothing else is concluded.
Status Sweep::read_leaves(ReadTransaction& txn, Walk& walk) {
    const std::uint64_t first = walk.tree.size();
    SIGILLO_ASSIGN(const Published published, log_.published(txn));
    walk.published = published.size;
    const auto unreadable = [&](Error error) -> Status {
        if (error.code == Errc::kCorrupt || error.code == Errc::kNotFound)
            add_finding("log: " + error.detail);
        return std::unexpected(std::move(error));
    };
    if (first >= published.packed) {
        std::size_t left = config_.step;
        auto status = log_.visit_leaves(txn, first, [&](std::uint64_t, ByteView leaf) -> Result<bool> {
            SIGILLO_TRY(take_leaf(walk, leaf));
            return --left > 0 && !walk.overflow;
        });
        return status ? std::move(status) : unreadable(std::move(status).error());
    }
    auto entries = log_.directory().entries(first / kTileWidth, kTileWidth);
    if (!entries) return unreadable(std::move(entries).error());
    // From the middle, when leaves of this bundle were read from the store before it was packed.
    for (std::size_t i = first % kTileWidth; i < entries->size(); ++i)
        SIGILLO_TRY(take_leaf(walk, (*entries)[i]));
    return {};
}

Status Sweep::take_leaf(Walk& walk, ByteView bytes) {
    const std::uint64_t index = walk.tree.size();
    // A tile becomes full: the published one must be the same.
    SIGILLO_TRY(walk.tree.append(bytes, [&](const TileName& name, ByteView contents) -> Status {
        if (name.entries) return {};
        const auto path = log_.directory().path_of(name);
        if (name.index >= hashes_at(walk.published, name.level) / kTileWidth) return {};
        const auto published = read_file(path, contents.size());
        if (!published && published.error().code == Errc::kNotFound)
            add_finding("log: " + path.string() + " is missing");
        else if (!published && published.error().code != Errc::kLimitExceeded)
            return std::unexpected(published.error());
        else if (!published || !equal(*published, contents))
            add_finding("log: " + path.string() + " does not agree with the leaves below it");
        return {};
    }));
    // Canonical JSON, where no string has a bare quotation mark: a leaf without this names no record. That is
    // most of them, and the rest of what they say stands or falls with the tree.
    if (!as_text(bytes).contains("\"records\":[")) return {};
    const auto leaf = parse_leaf(bytes);
    if (!leaf) {
        add_finding("log: leaf " + std::to_string(index) + " " + leaf.error().detail);
        return {};
    }
    for (const RecordChange& change : leaf->records) {
        const std::uint64_t record = record_hash(change.space, change.key);
        if (!walk.has(record)) continue;
        VersionTable::Entry* entry = table_.find_or_add(record);
        if (entry == nullptr) {
            walk.overflow = true;
            return {};
        }
        entry->version = change.version;
        entry->leaf = index | (entry->leaf & kSeen);
    }
    const std::lock_guard lock(mutex_);
    ++health_.leaves;
    return {};
}

// ---- records against the table
// -----------------------------------------------------------------------------------

Result<bool> Sweep::compare_some(ReadTransaction& txn, Walk& walk) {
    if (walk.overflow) return false;
    const Space space = tracked_[walk.space];
    std::size_t left = config_.step;
    bool more_here = false;
    SIGILLO_TRY(txn.scan(space, {}, walk.from, [&](ByteView key, ByteView value) -> Result<bool> {
        if (left-- == 0) {
            walk.from = to_bytes(key);
            more_here = true;
            return false;
        }
        compare(walk, space, key, value);
        return true;
    }));
    if (more_here) return true;
    walk.from.clear();
    return ++walk.space < tracked_.size();
}

// Records that the log knows and the comparison did not meet: made since, erased, or missing.
Result<bool> Sweep::look_up_some(ReadTransaction& txn, Walk& walk) {
    std::size_t left = config_.step;
    for (; walk.slot < table_.slots().size() && left > 0 && !walk.overflow; ++walk.slot) {
        const VersionTable::Entry entry = table_.slots()[walk.slot];
        if (entry.record == 0 || entry.version == 0 || (entry.leaf & kSeen) != 0) continue;
        --left;
        SIGILLO_ASSIGN(const Bytes bytes, log_.leaf(txn, entry.leaf));
        SIGILLO_ASSIGN(const Leaf leaf, parse_leaf(bytes));
        for (const RecordChange& change : leaf.records) {
            if (record_hash(change.space, change.key) != entry.record) continue;
            const auto space = std::ranges::find(tracked_, change.space, &Space::name);
            if (space == tracked_.end()) {
                add_finding("log: leaf " + std::to_string(entry.leaf) + " names a record of the space " +
                            change.space + ", which there is not");
                continue;
            }
            SIGILLO_ASSIGN(const auto stored, txn.get(*space, change.key));
            compare(walk, *space, change.key, stored);
        }
    }
    return walk.slot < table_.slots().size();
}

void Sweep::compare(Walk& walk, Space space, ByteView key, std::optional<ByteView> stored) {
    const std::uint64_t record = record_hash(space.name, key);
    if (!walk.has(record)) return;
    VersionTable::Entry* entry = table_.find(record);
    const std::uint64_t logged_by = entry != nullptr ? entry->leaf & ~kSeen : 0;
    if (entry != nullptr) entry->leaf |= kSeen;
    const std::string place = place_of(space, key);
    {
        const std::lock_guard lock(mutex_);
        ++health_.records;
    }
    if (!stored) {
        add_finding(place + ": is missing; leaf " + std::to_string(logged_by) + " logged its version " +
                    std::to_string(entry->version));
        return;
    }
    const auto decoded = ledger_.codec().decode(space, key, *stored);
    if (!decoded) {
        add_finding(decoded.error().detail);
        return;
    }
    if (entry == nullptr) {
        if (walk.epoch == 1)
            add_finding(place + ": has version " + std::to_string(decoded->version) +
                        ", but no leaf tells of it");
        else if (baseline_.size() < kBaselineLimit)
            baseline_.push_back({space, to_bytes(key)});
        return;
    }
    if (decoded->version == entry->version) return;
    std::string logged =
        ", leaf " + std::to_string(logged_by) + " logged " +
        (entry->version == 0 ? "that it was erased" : "version " + std::to_string(entry->version));
    add_finding(place + ": has version " + std::to_string(decoded->version) + std::move(logged) +
                (entry->version == 0 || decoded->version < entry->version
                     ? ": an old record was put back"
                     : ": it was changed without a leaf"));
}

// ---- what comes of it
// -----------------------------------------------------------------------------------------------

void Sweep::add_finding(std::string finding) {
    if (found_.size() >= config_.finding_limit || std::ranges::find(found_, finding) != found_.end()) return;
    const std::lock_guard lock(mutex_);
    health_.clean = false;
    if (health_.findings.size() < config_.finding_limit &&
        std::ranges::find(health_.findings, finding) == health_.findings.end())
        health_.findings.push_back(finding);
    found_.push_back(std::move(finding));
}

Status Sweep::report_findings() {
    for (const std::string& finding : found_) {
        if (std::ranges::find(reported_, finding) != reported_.end()) continue;
        logger_.error("sweep_alarm", {{"finding", finding}});
        SIGILLO_TRY(ledger_.update([&](Recorder& recorder) -> Status {
            Event event = recorder.event("sweep.alarm");
            event.set("finding", finding);
            SIGILLO_ASSIGN([[maybe_unused]] const std::uint64_t index, recorder.log(std::move(event)));
            return {};
        }));
        if (reported_.size() >= 16 * config_.finding_limit) reported_.erase(reported_.begin());
        reported_.push_back(finding);
    }
    return {};
}

Status Sweep::log_baseline() {
    for (std::size_t begin = 0; begin < baseline_.size(); begin += kBaselineEvent) {
        const std::size_t end = std::min(baseline_.size(), begin + kBaselineEvent);
        SIGILLO_TRY(ledger_.update([&](Recorder& recorder) -> Status {
            Event event = recorder.event("records.baseline");
            for (std::size_t i = begin; i < end; ++i) {
                const auto& [space, key] = baseline_[i];
                SIGILLO_ASSIGN(const auto stored, recorder.transaction().get(space, key));
                if (!stored) continue;
                SIGILLO_ASSIGN(const auto decoded, recorder.codec().decode(space, key, *stored));
                event.add_record(space.name, key, decoded.version);
            }
            SIGILLO_ASSIGN([[maybe_unused]] const std::uint64_t index, recorder.log(std::move(event)));
            return {};
        }));
        if (!pause()) return fail(Errc::kUnavailable, "shutting down");
    }
    return {};
}

// ---- thread
// -----------------------------------------------------------------------------------------------------

bool Sweep::pause() {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, config_.pause, [&] { return stopping_; });
}

void Sweep::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        lock.unlock();
        const Status status = run_round();
        lock.lock();
        if (stopping_) return;
        const std::string error = status ? std::string() : to_string(status.error());
        if (error != health_.error && !status) logger_.error("sweep_failed", {{"error", status.error()}});
        health_.error = error;
        wake_.wait_for(lock, config_.round_interval, [&] { return stopping_; });
    }
}

void Sweep::start() {
    const std::lock_guard lock(mutex_);
    if (thread_.joinable()) return;
    stopping_ = false;
    thread_ = std::thread([this] { run(); });
}

void Sweep::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

SweepHealth Sweep::health() const {
    const std::lock_guard lock(mutex_);
    return health_;
}

}  // namespace sigillo::audit
