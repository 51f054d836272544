// Changes of records and the log entry that tells of them, in one store transaction.
//
// A Recorder lives inside one Store::update() body. Tracked records that are saved or erased are remembered
// until the next log(), which writes them into its event: there is no change without an entry.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "appliance/audit/log.h"
#include "appliance/base/clock.h"
#include "appliance/base/task.h"
#include "appliance/store/expiry.h"
#include "appliance/store/records.h"

namespace sigillo::audit {

class Recorder {
 public:
    // `epoch`: of the log that is written.
    Recorder(WriteTransaction& txn, const RecordCodec& codec, Log& log, const Clock& clock,
             std::uint64_t epoch)
        : txn_(txn), codec_(codec), log_(log), clock_(clock), epoch_(epoch) {}
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    WriteTransaction& transaction() { return txn_; }
    const RecordCodec& codec() const { return codec_; }

    template <class Message>
    Result<std::optional<Record<Message>>> load(Table<Message> table, ByteView key) {
        return sigillo::load(txn_, codec_, table, key);
    }
    template <class Message>
    Result<Record<Message>> require(Table<Message> table, ByteView key, std::string_view what) {
        return sigillo::require(txn_, codec_, table, key, what);
    }

    // A record that must not exist yet: kAlreadyExists.
    template <class Message>
    Status create(Table<Message> table, ByteView key, const Message& value) {
        SIGILLO_TRY(
            txn_.insert_once(table.space, key, codec_.encode(table.space, key, 1, detail::serialize(value))));
        note(table.space, table.tracked, key, 1);
        return {};
    }
    // Writes `record` with the next version, which it also takes on.
    template <class Message>
    Status save(Table<Message> table, ByteView key, Record<Message>& record) {
        ++record.version;
        SIGILLO_TRY(
            txn_.put(table.space, key,
                     codec_.encode(table.space, key, record.version, detail::serialize(record.value))));
        note(table.space, table.tracked, key, record.version);
        return {};
    }
    template <class Message>
    Status erase(Table<Message> table, ByteView key) {
        SIGILLO_TRY(txn_.erase(table.space, key));
        note(table.space, table.tracked, key, 0);
        return {};
    }
    // Housekeeping erases the row of `table` at `when`.
    template <class Message>
    Status expire_at(WallTime when, Table<Message> table, ByteView key) {
        return schedule_expiry(when, table.space, key);
    }

    // Takes back an earlier expire_at(): the row lives on.
    template <class Message>
    Status keep_beyond(WallTime when, Table<Message> table, ByteView key) {
        return txn_.erase(tables::kExpiries.space, expiry_key(when, table.space, key));
    }

    // Appends `event` with the records changed since the last call. Returns the leaf's index. Changes that do
    // not fit into one leaf come before it, in events "records.changed" of their own.
    Result<std::uint64_t> log(Event event);
    // Index that the next entry will get.
    Result<std::uint64_t> next_index() { return log_.size(txn_); }
    // An event of now.
    Event event(std::string_view type) const { return Event(type, clock_.now()); }
    const Clock& clock() const { return clock_; }
    // Indexes begin anew in each epoch: what is kept under one has the epoch before it in its key.
    std::uint64_t epoch() const { return epoch_; }

    // Whether every tracked change has been logged: checked by with_recorder().
    bool settled() const { return changes_.empty(); }

 private:
    void note(Space space, bool tracked, ByteView key, std::uint64_t version);
    Status schedule_expiry(WallTime when, Space space, ByteView key);

    WriteTransaction& txn_;
    const RecordCodec& codec_;
    Log& log_;
    const Clock& clock_;
    const std::uint64_t epoch_;
    // Space and key of tracked records changed since the last log(), with their versions; 0: erased.
    std::map<std::pair<std::string, Bytes>, std::uint64_t> changes_;
};

class Ledger;

// What Ledger::commit() returns, to be awaited.
template <class Body>
class Commit final : private DeferredUpdate {
 public:
    using R = std::invoke_result_t<Body&, Recorder&>;

    Commit(Ledger& ledger, std::string_view name, Body body)
        : ledger_(ledger), name_(name), body_(std::move(body)) {}
    Commit(const Commit&) = delete;
    Commit& operator=(const Commit&) = delete;

    bool await_ready();
    bool await_suspend(std::coroutine_handle<> waiting);
    R await_resume() {
        if (!status_) return std::unexpected(std::move(status_).error());
        if constexpr (std::is_void_v<typename R::value_type>) {
            return {};
        } else {
            return *std::move(value_);
        }
    }

 private:
    struct Nothing {};
    using Value = std::conditional_t<std::is_void_v<typename R::value_type>, Nothing, typename R::value_type>;
    Status run(WriteTransaction& txn) override;
    void finish(Status status) noexcept override;

    Ledger& ledger_;
    const std::string_view name_;
    Body body_;
    std::coroutine_handle<> waiting_;
    std::optional<Value> value_;
    Status status_;
};

// What code that changes records is given. All references outlive it. Thread-safe.
class Ledger {
 public:
    Ledger(Store& store, const RecordCodec& codec, Log& log, const Clock& clock)
        : store_(store), codec_(codec), log_(log), clock_(clock) {}

    // body(Recorder&) -> Status or Result<T>, under Store::update()'s terms. A body that succeeds with an
    // unlogged change of a tracked record fails with kInternal, and nothing is written.
    template <class Body>
    auto update(Body&& body) -> decltype(body(std::declval<Recorder&>())) {
        using R = decltype(body(std::declval<Recorder&>()));
        if constexpr (std::is_void_v<typename R::value_type>) {
            return store_.update([&](WriteTransaction& txn) -> Status { return run(txn, body); });
        } else {
            return update_returning(store_, [&](WriteTransaction& txn) -> R { return run(txn, body); });
        }
    }
    // The same for a coroutine, which goes on when the update is durable: on the executor, in `name`'s turn
    // (`name` outlives the update). Without an executor its thread waits.
    template <class Body>
    Commit<Body> commit(std::string_view name, Body body) {
        return Commit<Body>(*this, name, std::move(body));
    }
    template <class Body>
    auto view(Body&& body) {
        using R = decltype(body(std::declval<ReadTransaction&>()));
        if constexpr (std::is_void_v<typename R::value_type>) {
            return store_.view([&](ReadTransaction& txn) -> Status { return body(txn); });
        } else {
            return view_returning(store_, [&](ReadTransaction& txn) -> R { return body(txn); });
        }
    }

    Store& store() { return store_; }
    const RecordCodec& codec() const { return codec_; }
    Log& log() { return log_; }
    const Clock& clock() const { return clock_; }
    // Of the log that is written; set once, after the guard and before anything else uses this.
    std::uint64_t epoch() const { return epoch_; }
    void set_epoch(std::uint64_t epoch) { epoch_ = epoch; }
    // Where coroutines go on; set once, before anything else uses this.
    void set_executor(Executor* executor) { executor_ = executor; }

 private:
    template <class Body>
    friend class Commit;
    template <class Body>
    auto run(WriteTransaction& txn, Body& body) -> decltype(body(std::declval<Recorder&>())) {
        Recorder recorder(txn, codec_, log_, clock_, epoch_);
        auto result = body(recorder);
        if (result && !recorder.settled())
            return fail(Errc::kInternal, "a tracked record changed without a log entry");
        return result;
    }

    Store& store_;
    const RecordCodec& codec_;
    Log& log_;
    const Clock& clock_;
    std::uint64_t epoch_ = 1;
    Executor* executor_ = nullptr;
};

template <class Body>
bool Commit<Body>::await_ready() {
    if (ledger_.executor_ != nullptr) return false;
    status_ = ledger_.store_.update([this](WriteTransaction& txn) { return run(txn); });
    return true;
}

// When it is taken, the coroutine may be over before this returns: nothing of it is touched any more.
template <class Body>
bool Commit<Body>::await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    Status taken = ledger_.store_.defer(*this);
    if (taken) return true;
    status_ = std::move(taken);
    return false;
}

template <class Body>
Status Commit<Body>::run(WriteTransaction& txn) {
    auto result = ledger_.run(txn, body_);
    if (!result) return std::unexpected(std::move(result).error());
    if constexpr (!std::is_void_v<typename R::value_type>) value_.emplace(*std::move(result));
    return {};
}

template <class Body>
void Commit<Body>::finish(Status status) noexcept {
    status_ = std::move(status);
    ledger_.executor_->resume(waiting_, name_);
}

}  // namespace sigillo::audit
