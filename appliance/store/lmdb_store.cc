#include "appliance/store/lmdb_store.h"

#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <optional>
#include <utility>

#include "appliance/store/lmdb_transaction.h"

namespace sigillo {
namespace {

// The overlay of an ordinary update fits; larger ones take from the heap.
constexpr std::size_t kArenaSize = std::size_t{64} << 10;
constexpr const char* kCopyName = "data.mdb";  // what LMDB opens

template <class Body, class Transaction>
Status run(const Body& body, Transaction& txn) {
    try {
        return body(txn);
    } catch (const std::exception& e) {
        return fail(Errc::kInternal, std::string("a transaction's body threw: ") + e.what());
    } catch (...) {
        return fail(Errc::kInternal, "a transaction's body threw");
    }
}

}  // namespace

// What came of running the first `ran` members of a group in one LMDB transaction: without `failure` their
// results hold, with it none of them happened.
struct LmdbStore::Attempt {
    std::size_t ran;
    bool wrote;
    std::optional<Error> failure;
};

Result<std::unique_ptr<LmdbStore>> LmdbStore::open(const LmdbConfig& config, std::span<const Space> spaces,
                                                   const Clock& clock, Logger& logger) {
    SIGILLO_ASSIGN(auto env, LmdbEnv::open(config, spaces));
    if (env->found().unaccounted > 0)
        logger.warning("store_pages_unaccounted", {{"pages", env->found().unaccounted}});
    return std::unique_ptr<LmdbStore>(new LmdbStore(config, std::move(env), clock, logger));
}

LmdbStore::LmdbStore(const LmdbConfig& config, std::unique_ptr<LmdbEnv> env, const Clock& clock,
                     Logger& logger)
    : config_(config),
      env_(std::move(env)),
      logger_(logger),
      readers_(*env_, clock, config.max_readers),
      queue_(std::make_unique<CommitQueue>(config.queue_limit, config.group_limit, config.linger)),
      arena_(kArenaSize) {
    // Signals are for the threads that expect them: the committer inherits a mask that blocks all.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    committer_ = std::thread([this] { commit_loop(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    committer_id_ = committer_.get_id();
}

LmdbStore::~LmdbStore() {
    if (!env_->usable()) {
        // In a forked child there is no such thread, and the queue's condition would wait for it for ever.
        committer_.detach();
        static_cast<void>(queue_.release());
        return;
    }
    close();
    committer_.join();
}

void LmdbStore::close() {
    queue_->close();
}

// update() from a body would wait for itself; view() from one would not see what the body wrote.
Status LmdbStore::check_caller() const {
    SIGILLO_TRY(env_->usable());
    if (std::this_thread::get_id() == committer_id_)
        return fail(Errc::kInternal, "the body of an update calls the store");
    return {};
}

Status LmdbStore::view(const std::function<Status(ReadTransaction&)>& body) {
    SIGILLO_TRY(check_caller());
    SIGILLO_ASSIGN(const auto lease, readers_.snapshot());
    LmdbReadTransaction txn(*env_, lease.txn());
    return run(body, txn);
}

Status LmdbStore::update(const std::function<Status(WriteTransaction&)>& body) {
    SIGILLO_TRY(check_caller());
    PendingUpdate update{body};
    return queue_->submit(update);
}

// ---- the committer ------------------------------------------------------------------------------

void LmdbStore::commit_loop() {
    pthread_setname_np(pthread_self(), "store-commit");
    next_upkeep_ = std::chrono::steady_clock::now() + config_.upkeep;
    for (;;) {
        const auto taken = queue_->take(config_.upkeep);
        if (taken.closed) return;
        if (taken.group) {
            commit(taken.group->members());
            taken.group->finish();
        }
        if (std::chrono::steady_clock::now() >= next_upkeep_) {
            upkeep();
            next_upkeep_ = std::chrono::steady_clock::now() + config_.upkeep;
        }
    }
}

void LmdbStore::commit(std::span<PendingUpdate* const> group) {
    while (!group.empty()) {
        const Attempt tried = attempt(group);
        const auto done = group.first(tried.ran);
        group = group.subspan(tried.ran);
        if (tried.failure && tried.failure->code != Errc::kUnavailable && done.size() > 1) {
            // One large update must not fail the others: each for itself.
            for (PendingUpdate* const& update : done) commit({&update, 1});
            continue;
        }
        if (!tried.failure) {
            if (tried.wrote) note_commit({});
            continue;
        }
        note_commit(std::unexpected(*tried.failure));
        for (PendingUpdate* const update : done) update->result = std::unexpected(*tried.failure);
    }
}

LmdbStore::Attempt LmdbStore::attempt(std::span<PendingUpdate* const> group) {
    auto txn = env_->begin(false);
    if (!txn) return {group.size(), false, std::move(txn).error()};
    std::size_t ran = 0;
    std::size_t bytes = 0;
    while (ran < group.size() && bytes < config_.group_bytes) {
        PendingUpdate& update = *group[ran++];
        arena_.release();
        OverlayTransaction overlay(*env_, txn->get(), &arena_, config_.transaction_bytes);
        update.result = run(update.body, overlay);
        if (!update.result) continue;
        if (Status applied = overlay.apply(); !applied) return {ran, false, std::move(applied).error()};
        bytes += overlay.bytes();
    }
    // Nothing written: the commit would be empty, and say nothing about the disk.
    if (bytes == 0) return {ran, false, std::nullopt};
    if (Status committed = commit_txn(std::move(*txn)); !committed)
        return {ran, false, std::move(committed).error()};
    return {ran, true, std::nullopt};
}

Status LmdbStore::commit_txn(LmdbTxn txn) {
    const int rc = mdb_txn_commit(txn.release());  // ends the transaction either way
    if (rc == 0) return {};
    // Without its head page LMDB answers MDB_PANIC to whatever comes next: better to say so now.
    if (auto next = env_->begin(false); !next && next.error().native == MDB_PANIC)
        return std::unexpected(lmdb_error(MDB_PANIC, "commit (" + std::string(mdb_strerror(rc)) + ")"));
    return std::unexpected(lmdb_error(rc, "commit"));
}

void LmdbStore::note_commit(const Status& status) {
    // A limit that one update broke says nothing about the store.
    if (!status && status.error().code == Errc::kLimitExceeded) return;
    std::string reason;
    if (!status) {
        reason = to_string(status.error());
        if (status.error().native == MDB_PANIC)
            reason =
                "the head of the store's file could not be written; mend the disk and restart: " + reason;
    }
    const std::lock_guard lock(condition_mutex_);
    if (reason.empty() == not_writable_.empty()) {
        not_writable_ = std::move(reason);
        return;
    }
    if (reason.empty()) {
        logger_.notice("store_writable_again", {{"was", not_writable_}});
    } else {
        logger_.error("store_not_writable", {{"reason", reason}});
    }
    not_writable_ = std::move(reason);
}

void LmdbStore::upkeep() {
    if (const auto dead = env_->clear_dead_readers(); !dead) {
        logger_.warning("store_reader_check_failed", {{"error", dead.error()}});
    } else if (*dead > 0) {
        logger_.notice("store_dead_readers_cleared", {{"count", *dead}});
    }
    {
        const std::lock_guard lock(condition_mutex_);
        if (not_writable_.empty()) return;
    }
    auto txn = env_->begin(false);
    if (!txn) return note_commit(std::unexpected(txn.error()));
    std::array<char, 1> name{'p'};
    MDB_val key{name.size(), name.data()};
    MDB_val value = key;
    if (const int rc = mdb_put(txn->get(), env_->probe_dbi(), &key, &value, 0); rc != 0)
        return note_commit(std::unexpected(lmdb_error(rc, "try to write")));
    note_commit(commit_txn(std::move(*txn)));
}

// ---- health -------------------------------------------------------------------------------------

StoreHealth LmdbStore::health() const {
    StoreHealth health;
    if (const Status usable = env_->usable(); !usable) {
        health.reason = to_string(usable.error());
        return health;
    }
    health.bytes_limit = env_->bytes_limit();
    health.waiting = queue_->waiting();
    const auto oldest = readers_.oldest();
    health.oldest_reader_ms = oldest.count();
    {
        const std::lock_guard lock(condition_mutex_);
        health.reason = not_writable_;
    }
    health.writable = health.reason.empty();

    const auto add = [&](const std::string& warning) {
        if (!health.reason.empty()) health.reason += "; ";
        health.reason += warning;
    };
    const auto used = env_->bytes_used();
    if (used) {
        health.bytes_used = *used;
        if (*used / config_.growth_alarm_percent >= health.bytes_limit / 100)
            add("the store is " +
                std::to_string(*used * 100 / std::max<std::uint64_t>(health.bytes_limit, 1)) +
                " % full: raise store.map_bytes");
    } else {
        add(to_string(used.error()));
    }
    if (oldest >= config_.reader_alarm)
        add("a snapshot has been open for " + std::to_string(oldest.count() / 1000) +
            " s: the store grows as long as it stays");
    return health;
}

// ---- copies -------------------------------------------------------------------------------------

Status LmdbStore::copy_to(const std::string& directory) {
    SIGILLO_TRY(check_caller());
    const bool made = ::mkdir(directory.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return std::unexpected(errno_error(errno, "create " + directory));
    std::error_code error;
    if (!std::filesystem::is_empty(directory, error) || error)
        return fail(Errc::kInvalidArgument,
                    "a copy wants an empty directory, which this is not: " + directory, "directory");
    Status copied = copy_into(directory);
    if (copied && made)
        copied = sync_directory(std::filesystem::absolute(directory).lexically_normal().parent_path());
    if (!copied) {
        // Half a copy must not look like one.
        ::unlink((directory + "/" + kCopyName).c_str());
        if (made) ::rmdir(directory.c_str());
    }
    return copied;
}

Status LmdbStore::copy_into(const std::string& directory) {
    const std::string path = directory + "/" + kCopyName;
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return std::unexpected(errno_error(errno, "create " + path));
    {
        const auto lease = readers_.note();
        SIGILLO_TRY(env_->copy_to(fd.get(), config_.compact_copies));
    }
    if (::fsync(fd.get()) != 0) return std::unexpected(errno_error(errno, "fsync " + path));
    return sync_directory(directory);
}

}  // namespace sigillo
