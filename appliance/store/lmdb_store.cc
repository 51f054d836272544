#include "appliance/store/lmdb_store.h"

#include <signal.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "appliance/store/lmdb_transaction.h"
#include "appliance/store/recovery.h"
#include "appliance/store/store_copy.h"

namespace sigillo {
namespace {

// Signals are for the threads that expect them: threads that begin meanwhile inherit a mask that blocks all.
class SignalsBlocked {
 public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
    sigset_t before_;
};

}  // namespace

Result<std::unique_ptr<LmdbStore>> LmdbStore::open(const LmdbConfig& config, std::span<const Space> spaces,
                                                   const Clock& clock, Logger& logger) {
    SIGILLO_ASSIGN(auto env, LmdbEnv::open(config, spaces));
    if (env->found().unaccounted > 0)
        logger.warning("store_pages_unaccounted", {{"pages", env->found().unaccounted}});
    SIGILLO_ASSIGN(const BatchMark last, recover(*env, logger));
    return std::unique_ptr<LmdbStore>(new LmdbStore(config, std::move(env), last, clock, logger));
}

LmdbStore::LmdbStore(const LmdbConfig& config, std::unique_ptr<LmdbEnv> env, const BatchMark& last,
                     const Clock& clock, Logger& logger)
    : config_(config),
      env_(std::move(env)),
      readers_(*env_, clock, config.max_readers),
      condition_(logger),
      room_(*env_, config.disk_reserve, logger) {
    const SignalsBlocked blocked;
    auto active = std::make_shared<MemTable>(config.flush_bytes);
    layers_ = std::make_unique<Layers>(active, last);
    flusher_ = std::make_unique<Flusher>(*env_, *layers_, room_, condition_, config.upkeep);
    const CommitterParts parts{*env_, *layers_, room_, *flusher_, condition_, logger};
    committer_ = std::make_unique<Committer>(config, parts, std::move(active), last);
}

LmdbStore::~LmdbStore() {
    if (env_->usable()) return;
    // In a forked child their threads are not there, and conditions would wait for them for ever.
    committer_->abandon();
    flusher_->abandon();
    static_cast<void>(committer_.release());
    static_cast<void>(flusher_.release());
    static_cast<void>(layers_.release());
}

void LmdbStore::close() {
    committer_->close();
}

// update() from a body would wait for itself; view() from one would not see what the body wrote.
Status LmdbStore::check_caller() const {
    SIGILLO_TRY(env_->usable());
    if (committer_->is_own_thread()) return fail(Errc::kInternal, "the body of an update calls the store");
    return {};
}

Status LmdbStore::view(const std::function<Status(ReadTransaction&)>& body) {
    SIGILLO_TRY(check_caller());
    SIGILLO_ASSIGN(const auto lease, readers_.snapshot());
    SIGILLO_ASSIGN(const Snapshot snapshot, layers_->join(lease.txn()));
    ViewTransaction txn(LayeredRead(*env_, lease.txn(), snapshot));
    try {
        return body(txn);
    } catch (const std::exception& e) {
        return fail(Errc::kInternal, std::string("a transaction's body threw: ") + e.what());
    } catch (...) {
        return fail(Errc::kInternal, "a transaction's body threw");
    }
}

Status LmdbStore::update(const std::function<Status(WriteTransaction&)>& body) {
    SIGILLO_TRY(check_caller());
    return committer_->update(body);
}

Status LmdbStore::defer(DeferredUpdate& update) {
    SIGILLO_TRY(check_caller());
    return committer_->defer(update);
}

StoreHealth LmdbStore::health() const {
    StoreHealth health;
    if (const Status usable = env_->usable(); !usable) {
        health.reason = to_string(usable.error());
        return health;
    }
    health.bytes_limit = env_->bytes_limit();
    health.waiting = committer_->waiting();
    const auto oldest = readers_.oldest();
    health.oldest_reader_ms = oldest.count();
    health.reason = condition_.reason();
    health.writable = health.reason.empty();

    const auto add = [&](const std::string& warning) {
        if (!health.reason.empty()) health.reason += "; ";
        health.reason += warning;
    };
    const auto room = measure_room(*env_);
    if (room) {
        health.bytes_used = room->used * room->page_size;
        if (health.bytes_used / config_.growth_alarm_percent >= health.bytes_limit / 100)
            add("the store is " +
                std::to_string(health.bytes_used * 100 / std::max<std::uint64_t>(health.bytes_limit, 1)) +
                " % full: raise store.map_size_mib");
    } else {
        add(to_string(room.error()));
    }
    if (oldest >= config_.reader_alarm)
        add("a snapshot has been open for " + std::to_string(oldest.count() / 1000) +
            " s: the store grows as long as it stays");
    return health;
}

Status LmdbStore::copy_to(const std::string& directory) {
    SIGILLO_TRY(check_caller());
    return copy_store({*env_, readers_, *layers_, config_}, directory);
}

}  // namespace sigillo
