// The store: named spaces of byte keys and byte values, with transactions.
//
// Small on purpose: an embedded LMDB stands behind it today, a replicated PostgreSQL can tomorrow, and both
// pass the same tests. Everything single-use in the product stands on one promise: transactions given to
// update() are serialisable, and insert_once() succeeds for exactly one of them per key.
//
// Keys: 1 to 400 bytes, ordered as unsigned bytes. Values: up to 16 MiB.
// Errors common to all calls: kStorageFull (map or disk full), kUnavailable (I/O error, closing), kCorrupt.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo {

// A named space; all of them stand in tables.h. `name` has static storage.
struct Space {
    std::string_view name;
    friend bool operator==(const Space&, const Space&) = default;
};

// A consistent snapshot. Not thread-safe; lives only inside the function that was given to view() or
// update().
class ReadTransaction {
 public:
    virtual ~ReadTransaction() = default;

    // The value, or nothing. The view is valid until the next call that writes, or the end of the
    // transaction.
    virtual Result<std::optional<ByteView>> get(Space space, ByteView key) = 0;

    // Return false to stop.
    using Visit = std::function<Result<bool>(ByteView key, ByteView value)>;
    // Every entry with key ≥ from whose key starts with `prefix`, ascending. `visit` must not write.
    virtual Status scan(Space space, ByteView prefix, ByteView from, const Visit& visit) = 0;
};

class WriteTransaction : public ReadTransaction {
 public:
    virtual Status put(Space space, ByteView key, ByteView value) = 0;
    // kAlreadyExists when the key is there, in this transaction or a committed one.
    virtual Status insert_once(Space space, ByteView key, ByteView value) = 0;
    virtual Status erase(Space space, ByteView key) = 0;  // absent is fine
};

struct StoreHealth {
    bool writable = false;
    std::string reason;  // why not, or a warning (growth, long readers), or empty
    std::uint64_t bytes_used = 0;
    std::uint64_t bytes_limit = 0;
    std::int64_t oldest_reader_ms = 0;
    std::size_t waiting = 0;  // updates that wait for the committer
};

// An update whose caller does not wait for it: Store::defer().
class DeferredUpdate {
 public:
    virtual ~DeferredUpdate() = default;
    // The body, under the terms of Store::update().
    virtual Status run(WriteTransaction& txn) = 0;
    // What came of it; called once, after which the store does not touch this object. Must be quick: the
    // updates behind it wait.
    virtual void finish(Status status) noexcept = 0;
};

// Thread-safe.
class Store {
 public:
    virtual ~Store() = default;

    virtual Status view(const std::function<Status(ReadTransaction&)>& body) = 0;

    // All of `body`'s writes or none: an error from `body` undoes them and is returned. On success they are
    // durable when update() returns. Transactions of concurrent callers are committed in groups, with one
    // fsync a group. `body` may run on another thread, and again, against a state without its first run, when
    // its group could not be committed: it must not use up what it captured. `body` must not call the store,
    // the HSM or anything slow. kUnavailable when the queue of waiting updates is full.
    virtual Status update(const std::function<Status(WriteTransaction&)>& body) = 0;

    // The same without waiting: `update` lives until its finish(). An error: it was not taken, and finish()
    // is not called.
    virtual Status defer(DeferredUpdate& update) = 0;

    virtual StoreHealth health() const = 0;

    // A consistent copy into an empty directory while work goes on; durable on return.
    virtual Status copy_to(const std::string& directory) = 0;
};

// update() and view() for bodies that return a value.
template <class Body>
auto update_returning(Store& store, Body&& body) -> decltype(body(std::declval<WriteTransaction&>())) {
    using R = decltype(body(std::declval<WriteTransaction&>()));
    std::optional<typename R::value_type> value;
    SIGILLO_TRY(store.update([&](WriteTransaction& txn) -> Status {
        auto result = body(txn);
        if (!result) return std::unexpected(std::move(result).error());
        value.emplace(*std::move(result));
        return {};
    }));
    return R(std::move(*value));
}

template <class Body>
auto view_returning(Store& store, Body&& body) -> decltype(body(std::declval<ReadTransaction&>())) {
    using R = decltype(body(std::declval<ReadTransaction&>()));
    std::optional<typename R::value_type> value;
    SIGILLO_TRY(store.view([&](ReadTransaction& txn) -> Status {
        auto result = body(txn);
        if (!result) return std::unexpected(std::move(result).error());
        value.emplace(*std::move(result));
        return {};
    }));
    return R(std::move(*value));
}

}  // namespace sigillo
