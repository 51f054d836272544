// Records in the store: protobuf inside an envelope of version and MAC. FORMAT.md has the bytes.
//
// The MAC covers space, key, version and payload, so that a record cannot be altered, moved to another key or
// another space. It is HMAC-SHA-256 under a key derived once, at start, by the HSM's record-MAC key: a
// process that holds the HSM's login could have any MAC made there anyway, and a thief of the store has
// neither; a call to the HSM for each record would be the price of nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "appliance/base/digest.h"
#include "appliance/base/secret.h"
#include "appliance/store/record_memory.h"
#include "appliance/store/tables.h"

namespace sigillo {

template <class Message>
struct Record {
    Message value;
    std::uint64_t version = 0;  // 0: not stored yet
};

// Records that load_shared() remembers: those of the documents in the making, of which there are some hundred
// at a time, with a credential and a client each. A credential with its chain takes some 6 KiB.
inline constexpr std::size_t kRecordsRemembered = 1024;

// Thread-safe.
class RecordCodec {
 public:
    explicit RecordCodec(const SecretBytes& mac_key,
                         std::size_t remembered = kRecordsRemembered);  // key: 32 bytes

    Bytes encode(Space space, ByteView key, std::uint64_t version, ByteView payload) const;

    struct Decoded {
        std::uint64_t version;
        ByteView payload;  // into `stored`
    };
    // kCorrupt, with space and key in the detail, when the envelope is malformed or its MAC does not hold.
    Result<Decoded> decode(Space space, ByteView key, ByteView stored) const;

    // A digest that only this appliance can compute, for lookups by personal data. 32 bytes.
    Bytes keyed_digest(std::string_view purpose, ByteView value) const;

    // Of records decoded by this codec: load_shared().
    RecordMemory& memory() const { return *memory_; }

 private:
    HmacKey mac_key_;
    std::unique_ptr<RecordMemory> memory_;
};

namespace detail {
Status parse_payload(google::protobuf::MessageLite& message, ByteView payload, Space space, ByteView key);
Bytes serialize(const google::protobuf::MessageLite& message);
}  // namespace detail

// The record, or nothing. kCorrupt as in RecordCodec::decode.
template <class Message>
Result<std::optional<Record<Message>>> load(ReadTransaction& txn, const RecordCodec& codec,
                                            Table<Message> table, ByteView key) {
    SIGILLO_ASSIGN(const auto stored, txn.get(table.space, key));
    if (!stored) return std::optional<Record<Message>>();
    SIGILLO_ASSIGN(const auto decoded, codec.decode(table.space, key, *stored));
    Record<Message> record;
    record.version = decoded.version;
    SIGILLO_TRY(detail::parse_payload(record.value, decoded.payload, table.space, key));
    return std::optional<Record<Message>>(std::move(record));
}

template <class Message>
using SharedRecord = std::shared_ptr<const Record<Message>>;

// As load(), for records that are read often and changed seldom; null where there is none.
template <class Message>
Result<SharedRecord<Message>> load_shared(ReadTransaction& txn, const RecordCodec& codec,
                                          Table<Message> table, ByteView key) {
    SIGILLO_ASSIGN(const auto stored, txn.get(table.space, key));
    if (!stored) return SharedRecord<Message>();
    if (auto known = codec.memory().find(table.space, key, *stored))
        return std::static_pointer_cast<const Record<Message>>(std::move(known));
    SIGILLO_ASSIGN(const auto decoded, codec.decode(table.space, key, *stored));
    auto record = std::make_shared<Record<Message>>();
    record->version = decoded.version;
    SIGILLO_TRY(detail::parse_payload(record->value, decoded.payload, table.space, key));
    codec.memory().remember(table.space, key, *stored, record);
    return SharedRecord<Message>(std::move(record));
}

// As load_shared(), but absence is kNotFound with `field` = `what`: never null.
template <class Message>
Result<SharedRecord<Message>> require_shared(ReadTransaction& txn, const RecordCodec& codec,
                                             Table<Message> table, ByteView key, std::string_view what) {
    SIGILLO_ASSIGN(auto found, load_shared(txn, codec, table, key));
    if (!found)
        return fail(Errc::kNotFound, std::string(table.space.name) + ": no such record", std::string(what));
    return found;
}

// As load(), but absence is kNotFound with `field` = `what`.
template <class Message>
Result<Record<Message>> require(ReadTransaction& txn, const RecordCodec& codec, Table<Message> table,
                                ByteView key, std::string_view what) {
    SIGILLO_ASSIGN(auto found, load(txn, codec, table, key));
    if (!found)
        return fail(Errc::kNotFound, std::string(table.space.name) + ": no such record", std::string(what));
    return *std::move(found);
}

// Keys made of parts.
Bytes key_of(std::string_view id);
Bytes key_of(std::string_view first, std::string_view second);  // first ‖ second, ids of fixed length
Bytes key_of(std::string_view id, std::uint64_t number);        // id ‖ 8 bytes big-endian
Bytes key_of(std::string_view id, std::uint64_t epoch, std::uint64_t number);  // id ‖ 8 ‖ 8 bytes
Bytes tenant_key(std::string_view tenant, std::string_view rest);              // tenant ‖ 0 ‖ rest
Bytes number_key(std::uint64_t number);                                        // 8 bytes big-endian
Bytes number_key(std::uint64_t epoch, std::uint64_t number);                   // 8 ‖ 8 bytes big-endian

}  // namespace sigillo
