#include "appliance/store/lmdb_transaction.h"

#include <lmdb.h>

#include <optional>

#include "appliance/store/place.h"

namespace sigillo {
namespace {

// What a row costs beside its key and value; keeps many empty rows within the limit too.
constexpr std::size_t kRowOverhead = 64;

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

// Rows of LMDB.
class LmdbCursor final : public RowCursor {
 public:
    LmdbCursor(const LmdbEnv& env, MDB_txn* txn, std::size_t index) : env_(env), txn_(txn), index_(index) {}
    ~LmdbCursor() override {
        if (cursor_ != nullptr) mdb_cursor_close(cursor_);
    }

    Status seek(ByteView from) override {
        if (const int rc = mdb_cursor_open(txn_, env_.dbi(index_), &cursor_); rc != 0) return failed(rc);
        // LMDB takes no empty key, and every key is behind it.
        key_ = to_val(from);
        return move(from.empty() ? MDB_FIRST : MDB_SET_RANGE);
    }
    Status next() override { return move(MDB_NEXT); }
    bool live() const override { return live_; }
    ByteView key() const override { return to_view(key_); }
    RowValue value() const override { return to_view(value_); }

 private:
    Status move(MDB_cursor_op op) {
        const int rc = mdb_cursor_get(cursor_, &key_, &value_, op);
        live_ = rc == 0;
        if (rc != 0 && rc != MDB_NOTFOUND) return failed(rc);
        return {};
    }
    Status failed(int rc) const {
        return std::unexpected(lmdb_error(rc, "scan " + std::string(env_.space(index_).name)));
    }

    const LmdbEnv& env_;
    MDB_txn* const txn_;
    const std::size_t index_;
    MDB_cursor* cursor_ = nullptr;
    MDB_val key_{};
    MDB_val value_{};
    bool live_ = false;
};

}  // namespace

// ---- reading ------------------------------------------------------------------------------------

LayeredRead::LayeredRead(const LmdbEnv& env, MDB_txn* txn, const Snapshot& snapshot)
    : env_(env), txn_(txn), sequence_(snapshot.last.sequence) {
    if (snapshot.frozen && !snapshot.frozen->empty()) tables_[table_count_++] = snapshot.frozen.get();
    if (!snapshot.active->empty()) tables_[table_count_++] = snapshot.active.get();
}

Result<std::optional<ByteView>> LayeredRead::get(Space space, ByteView key) const {
    SIGILLO_ASSIGN(const std::size_t index, env_.index_of(space));
    SIGILLO_TRY(check_key(space, key));
    for (std::size_t i = set_count_; i-- > 0;)
        if (const auto found = sets_[i]->get(index, key)) return *found;
    for (std::size_t i = table_count_; i-- > 0;)
        if (const auto found = tables_[i]->get(index, key, sequence_)) return *found;
    MDB_val k = to_val(key);
    MDB_val v{};
    const int rc = mdb_get(txn_, env_.dbi(index), &k, &v);
    if (rc == MDB_NOTFOUND) return std::optional<ByteView>();
    if (rc != 0) return std::unexpected(lmdb_error(rc, "read " + place_of(space, key)));
    return std::optional(to_view(v));
}

Status LayeredRead::scan(Space space, ByteView prefix, ByteView from,
                         const ReadTransaction::Visit& visit) const {
    SIGILLO_ASSIGN(const std::size_t index, env_.index_of(space));
    if (prefix.size() > kMaxSeekSize || from.size() > kMaxSeekSize)
        return fail(Errc::kInvalidArgument,
                    "a scan cannot begin at more than " + std::to_string(kMaxSeekSize) + " bytes", "from");
    std::array<std::optional<WriteSet::Cursor>, kMostSets> sets;
    std::array<std::optional<MemTable::Cursor>, 2> tables;
    LmdbCursor stored(env_, txn_, index);
    std::array<RowCursor*, kMostSets + 2 + 1> layers;
    std::size_t count = 0;
    for (std::size_t i = set_count_; i-- > 0;)
        if (!sets_[i]->empty()) layers[count++] = &sets[i].emplace(*sets_[i], index);
    for (std::size_t i = table_count_; i-- > 0;)
        layers[count++] = &tables[i].emplace(*tables_[i], index, sequence_);
    layers[count++] = &stored;
    return scan_layers(std::span(layers).first(count), prefix, from, visit);
}

// ---- writing ------------------------------------------------------------------------------------

Status UpdateTransaction::scan(Space space, ByteView prefix, ByteView from, const Visit& visit) {
    struct Scanning {
        int& count;
        explicit Scanning(int& c) : count(c) { ++count; }
        ~Scanning() { --count; }
    } const scanning(scans_);
    return read_.scan(space, prefix, from, visit);
}

Status UpdateTransaction::put(Space space, ByteView key, ByteView value) {
    if (value.size() > kMaxValueSize)
        return fail(Errc::kInvalidArgument,
                    "a value of " + std::to_string(value.size()) + " bytes for " + place_of(space, key) +
                        ", more than " + std::to_string(kMaxValueSize),
                    "value");
    return write(space, key, value);
}

Status UpdateTransaction::insert_once(Space space, ByteView key, ByteView value) {
    SIGILLO_ASSIGN(const auto present, get(space, key));
    if (present) return fail(Errc::kAlreadyExists, place_of(space, key) + " is there already");
    return put(space, key, value);
}

Status UpdateTransaction::erase(Space space, ByteView key) {
    return write(space, key, std::nullopt);
}

Status UpdateTransaction::write(Space space, ByteView key, const RowValue& value) {
    SIGILLO_ASSIGN(const std::size_t index, env_.index_of(space));
    SIGILLO_TRY(check_key(space, key));
    if (scans_ > 0) return fail(Errc::kInternal, "a scan's visit writes to " + place_of(space, key));
    const std::size_t size = key.size() + (value ? value->size() : 0) + kRowOverhead;
    if (size > limit_ - bytes_)
        return fail(Errc::kLimitExceeded, "an update writes more than " + std::to_string(limit_) + " bytes",
                    "transaction");
    bytes_ += size;
    writes_.write(index, key, value);
    return {};
}

}  // namespace sigillo
