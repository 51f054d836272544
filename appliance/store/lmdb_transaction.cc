#include "appliance/store/lmdb_transaction.h"

#include <lmdb.h>

#include <algorithm>
#include <compare>
#include <cstring>
#include <utility>

#include "appliance/store/place.h"

namespace sigillo {
namespace {

// What a row costs beside its key and value; keeps many empty rows within the limit too.
constexpr std::size_t kRowOverhead = 64;

std::strong_ordering order(ByteView a, ByteView b) {
    const std::size_t common = std::min(a.size(), b.size());
    const int first = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
    return first != 0 ? first <=> 0 : a.size() <=> b.size();
}

bool starts_with(ByteView key, ByteView prefix) {
    return key.size() >= prefix.size() && std::ranges::equal(key.first(prefix.size()), prefix);
}

MDB_val to_val(ByteView bytes) {
    return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())};  // LMDB only reads it
}
ByteView to_view(const MDB_val& val) {
    return {static_cast<const std::uint8_t*>(val.mv_data), val.mv_size};
}

Status check_key(Space space, ByteView key) {
    if (key.empty() || key.size() > kMaxKeySize)
        return fail(Errc::kInvalidArgument,
                    "a key in " + std::string(space.name) + " has " + std::to_string(key.size()) +
                        " bytes, not 1 to " + std::to_string(kMaxKeySize),
                    "key");
    return {};
}

Result<std::optional<ByteView>> read(const LmdbEnv& env, MDB_txn* txn, std::size_t index, ByteView key) {
    MDB_val k = to_val(key);
    MDB_val v{};
    const int rc = mdb_get(txn, env.dbi(index), &k, &v);
    if (rc == MDB_NOTFOUND) return std::optional<ByteView>();
    if (rc != 0) return std::unexpected(lmdb_error(rc, "read " + place_of(env.space(index), key)));
    return std::optional(to_view(v));
}

// Entries of LMDB whose keys start with `prefix`, from `from` on, one at a time.
class PrefixCursor {
 public:
    PrefixCursor(const LmdbEnv& env, MDB_txn* txn, std::size_t index, ByteView prefix)
        : env_(env), txn_(txn), index_(index), prefix_(prefix) {}
    ~PrefixCursor() {
        if (cursor_ != nullptr) mdb_cursor_close(cursor_);
    }
    PrefixCursor(const PrefixCursor&) = delete;
    PrefixCursor& operator=(const PrefixCursor&) = delete;

    Status seek(ByteView from) {
        if (const int rc = mdb_cursor_open(txn_, env_.dbi(index_), &cursor_); rc != 0) return failed(rc);
        // LMDB takes no empty key, and every key is behind it.
        key_ = to_val(from);
        return move(from.empty() ? MDB_FIRST : MDB_SET_RANGE);
    }
    Status next() { return move(MDB_NEXT); }
    bool live() const { return live_; }
    ByteView key() const { return to_view(key_); }
    ByteView value() const { return to_view(value_); }

 private:
    Status move(MDB_cursor_op op) {
        const int rc = mdb_cursor_get(cursor_, &key_, &value_, op);
        live_ = rc == 0 && starts_with(key(), prefix_);
        if (rc != 0 && rc != MDB_NOTFOUND) return failed(rc);
        return {};
    }
    Status failed(int rc) const {
        return std::unexpected(lmdb_error(rc, "scan " + std::string(env_.space(index_).name)));
    }

    const LmdbEnv& env_;
    MDB_txn* const txn_;
    const std::size_t index_;
    const ByteView prefix_;
    MDB_cursor* cursor_ = nullptr;
    MDB_val key_{};
    MDB_val value_{};
    bool live_ = false;
};

// Where a scan begins: `from`, or `prefix` when that is later.
Result<ByteView> scan_start(ByteView prefix, ByteView from) {
    if (prefix.size() > kMaxSeekSize || from.size() > kMaxSeekSize)
        return fail(Errc::kInvalidArgument,
                    "a scan cannot begin at more than " + std::to_string(kMaxSeekSize) + " bytes", "from");
    return order(from, prefix) < 0 ? prefix : from;
}

}  // namespace

// ---- reading ------------------------------------------------------------------------------------

Result<std::optional<ByteView>> LmdbReadTransaction::get(Space space, ByteView key) {
    SIGILLO_ASSIGN(const std::size_t index, env_.index_of(space));
    SIGILLO_TRY(check_key(space, key));
    return read(env_, txn_, index, key);
}

Status LmdbReadTransaction::scan(Space space, ByteView prefix, ByteView from, const Visit& visit) {
    SIGILLO_ASSIGN(const std::size_t index, env_.index_of(space));
    SIGILLO_ASSIGN(const ByteView start, scan_start(prefix, from));
    PrefixCursor cursor(env_, txn_, index, prefix);
    SIGILLO_TRY(cursor.seek(start));
    while (cursor.live()) {
        SIGILLO_ASSIGN(const bool more, visit(cursor.key(), cursor.value()));
        if (!more) return {};
        SIGILLO_TRY(cursor.next());
    }
    return {};
}

// ---- reading and writing ------------------------------------------------------------------------

bool OverlayTransaction::Before::operator()(const Place& a, const Place& b) const {
    if (a.space != b.space) return a.space < b.space;
    return order(a.key, b.key) < 0;
}

Result<std::optional<ByteView>> OverlayTransaction::get(Space space, ByteView key) {
    SIGILLO_ASSIGN(const std::size_t index, env_.index_of(space));
    SIGILLO_TRY(check_key(space, key));
    if (const auto found = writes_.find(Place{index, key}); found != writes_.end()) return found->second;
    return read(env_, txn_, index, key);
}

Status OverlayTransaction::scan(Space space, ByteView prefix, ByteView from, const Visit& visit) {
    SIGILLO_ASSIGN(const std::size_t index, env_.index_of(space));
    SIGILLO_ASSIGN(const ByteView start, scan_start(prefix, from));

    struct Scanning {
        int& count;
        explicit Scanning(int& c) : count(c) { ++count; }
        ~Scanning() { --count; }
    } const scanning(scans_);

    PrefixCursor stored(env_, txn_, index, prefix);
    SIGILLO_TRY(stored.seek(start));
    auto written = writes_.lower_bound(Place{index, start});
    for (;;) {
        const bool fresh = written != writes_.end() && written->first.space == index &&
                           starts_with(written->first.key, prefix);
        if (!fresh && !stored.live()) return {};
        const auto which = !fresh           ? std::strong_ordering::less
                           : !stored.live() ? std::strong_ordering::greater
                                            : order(stored.key(), written->first.key);
        bool more = true;
        if (which < 0) {
            SIGILLO_ASSIGN(more, visit(stored.key(), stored.value()));
        } else if (written->second) {
            SIGILLO_ASSIGN(more, visit(written->first.key, *written->second));
        }
        if (!more) return {};
        if (which <= 0) SIGILLO_TRY(stored.next());
        if (which >= 0) ++written;
    }
}

Status OverlayTransaction::put(Space space, ByteView key, ByteView value) {
    if (value.size() > kMaxValueSize)
        return fail(Errc::kInvalidArgument,
                    "a value of " + std::to_string(value.size()) + " bytes for " + place_of(space, key) +
                        ", more than " + std::to_string(kMaxValueSize),
                    "value");
    return write(space, key, value);
}

Status OverlayTransaction::insert_once(Space space, ByteView key, ByteView value) {
    SIGILLO_ASSIGN(const auto present, get(space, key));
    if (present) return fail(Errc::kAlreadyExists, place_of(space, key) + " is there already");
    return put(space, key, value);
}

Status OverlayTransaction::erase(Space space, ByteView key) {
    return write(space, key, std::nullopt);
}

Status OverlayTransaction::write(Space space, ByteView key, Value value) {
    SIGILLO_ASSIGN(const std::size_t index, env_.index_of(space));
    SIGILLO_TRY(check_key(space, key));
    if (scans_ > 0) return fail(Errc::kInternal, "a scan's visit writes to " + place_of(space, key));
    const std::size_t size = key.size() + (value ? value->size() : 0) + kRowOverhead;
    if (size > limit_ - bytes_)
        return fail(Errc::kLimitExceeded, "an update writes more than " + std::to_string(limit_) + " bytes",
                    "transaction");
    bytes_ += size;
    if (value) value = keep(*value);
    const auto at = writes_.lower_bound(Place{index, key});
    if (at != writes_.end() && at->first.space == index && order(at->first.key, key) == 0) {
        at->second = value;
        return {};
    }
    writes_.emplace_hint(at, Place{index, keep(key)}, value);
    return {};
}

ByteView OverlayTransaction::keep(ByteView bytes) {
    if (bytes.empty()) return {};
    auto* const copy = static_cast<std::uint8_t*>(arena_->allocate(bytes.size(), 1));
    std::ranges::copy(bytes, copy);
    return {copy, bytes.size()};
}

Status OverlayTransaction::apply() {
    for (const auto& [place, value] : writes_) {
        MDB_val key = to_val(place.key);
        int rc = 0;
        if (value) {
            MDB_val data = to_val(*value);
            rc = mdb_put(txn_, env_.dbi(place.space), &key, &data, 0);
        } else {
            rc = mdb_del(txn_, env_.dbi(place.space), &key, nullptr);
            if (rc == MDB_NOTFOUND) rc = 0;
        }
        if (rc != 0)
            return std::unexpected(lmdb_error(rc, "write " + place_of(env_.space(place.space), place.key)));
    }
    return {};
}

}  // namespace sigillo
