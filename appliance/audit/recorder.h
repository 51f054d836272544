// Changes of records and the log entry that tells of them, in one store transaction.
//
// A Recorder lives inside one Store::update() body. Tracked records that are saved or erased are remembered
// until the next log(), which writes them into its event: there is no change without an entry.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "appliance/audit/log.h"
#include "appliance/base/clock.h"
#include "appliance/store/records.h"

namespace sigillo::audit {

class Recorder {
 public:
    Recorder(WriteTransaction& txn, const RecordCodec& codec, Log& log, const Clock& clock)
        : txn_(txn), codec_(codec), log_(log), clock_(clock) {}
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

    // Appends `event` with the records changed since the last call. Returns the leaf's index.
    Result<std::uint64_t> log(Event event);
    // Index that the next entry will get.
    Result<std::uint64_t> next_index() { return log_.size(txn_); }
    // An event of now.
    Event event(std::string_view type) const { return Event(type, clock_.now()); }
    const Clock& clock() const { return clock_; }

    // Whether every tracked change has been logged: checked by with_recorder().
    bool settled() const { return changes_.empty(); }

 private:
    struct Change {
        std::string space;
        Bytes key;
        std::uint64_t version;
    };
    void note(Space space, bool tracked, ByteView key, std::uint64_t version);
    Status schedule_expiry(WallTime when, Space space, ByteView key);

    WriteTransaction& txn_;
    const RecordCodec& codec_;
    Log& log_;
    const Clock& clock_;
    std::vector<Change> changes_;
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

 private:
    template <class Body>
    auto run(WriteTransaction& txn, Body& body) -> decltype(body(std::declval<Recorder&>())) {
        Recorder recorder(txn, codec_, log_, clock_);
        auto result = body(recorder);
        if (result && !recorder.settled())
            return fail(Errc::kInternal, "a tracked record changed without a log entry");
        return result;
    }

    Store& store_;
    const RecordCodec& codec_;
    Log& log_;
    const Clock& clock_;
};

}  // namespace sigillo::audit
