#include "appliance/store/records.h"

#include <array>
#include <cstdlib>
#include <limits>

#include "appliance/base/digest.h"
#include "appliance/store/place.h"

namespace sigillo {
namespace {

// The envelope, FORMAT.md: format (1) ‖ version (8) ‖ MAC (32) ‖ payload.
constexpr std::uint8_t kFormat = 0x01;
constexpr std::size_t kVersionOffset = 1;
constexpr std::size_t kMacOffset = kVersionOffset + 8;
constexpr std::size_t kMacSize = 32;
constexpr std::size_t kPayloadOffset = kMacOffset + kMacSize;

// One key serves two purposes: labels of one length keep their inputs apart.
constexpr std::string_view kRecordLabel = "sigillo record 1";
constexpr std::string_view kDigestLabel = "sigillo digest 1";
static_assert(kRecordLabel.size() == kDigestLabel.size());

constexpr std::size_t kMacKeySize = 32;

// Every variable part but the last is preceded by its length, so that no two inputs read the same.
Sha256Value mac_of(const HmacKey& mac_key, Space space, ByteView key, ByteView version, ByteView payload) {
    Bytes space_size;
    append_u16(space_size, static_cast<std::uint16_t>(space.name.size()));
    Bytes key_size;
    append_u16(key_size, static_cast<std::uint16_t>(key.size()));
    const std::array<std::uint8_t, 1> format{kFormat};
    return mac_key.mac(
        {as_bytes(kRecordLabel), format, space_size, as_bytes(space.name), key_size, key, version, payload});
}

std::unexpected<Error> corrupt(Space space, ByteView key, const char* why) {
    return fail(Errc::kCorrupt, place_of(space, key) + ": " + why);
}

}  // namespace

RecordCodec::RecordCodec(const SecretBytes& mac_key, std::size_t remembered)
    : mac_key_(mac_key.expose()), memory_(std::make_unique<RecordMemory>(remembered)) {
    // Derived by this program itself: another size is a bug, and MACs under a short key protect nothing.
    if (mac_key.size() != kMacKeySize) std::abort();
}

Bytes RecordCodec::encode(Space space, ByteView key, std::uint64_t version, ByteView payload) const {
    Bytes out;
    out.reserve(kPayloadOffset + payload.size());
    out.push_back(kFormat);
    append_u64(out, version);
    append(out, mac_of(mac_key_, space, key, ByteView(out).subspan(kVersionOffset, 8), payload));
    append(out, payload);
    return out;
}

Result<RecordCodec::Decoded> RecordCodec::decode(Space space, ByteView key, ByteView stored) const {
    if (stored.size() < kPayloadOffset) return corrupt(space, key, "shorter than a record's envelope");
    if (stored[0] != kFormat) return corrupt(space, key, "unknown format of envelope");
    const ByteView version = stored.subspan(kVersionOffset, 8);
    const ByteView payload = stored.subspan(kPayloadOffset);
    const Sha256Value expected = mac_of(mac_key_, space, key, version, payload);
    if (!equal_constant_time(expected, stored.subspan(kMacOffset, kMacSize)))
        return corrupt(space, key, "the record's MAC does not hold: altered, moved, or of another appliance");
    return Decoded{read_u64(version), payload};
}

Bytes RecordCodec::keyed_digest(std::string_view purpose, ByteView value) const {
    Bytes purpose_size;
    append_u16(purpose_size, static_cast<std::uint16_t>(purpose.size()));
    return to_bytes(ByteView(mac_key_.mac({as_bytes(kDigestLabel), purpose_size, as_bytes(purpose), value})));
}

namespace detail {

Status parse_payload(google::protobuf::MessageLite& message, ByteView payload, Space space, ByteView key) {
    if (payload.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
        !message.ParseFromArray(payload.data(), static_cast<int>(payload.size())))
        return corrupt(space, key, "the MAC holds, but the payload is no such record");
    return {};
}

Bytes serialize(const google::protobuf::MessageLite& message) {
    Bytes out(message.ByteSizeLong());
    message.SerializeWithCachedSizesToArray(out.data());
    return out;
}

}  // namespace detail

Bytes key_of(std::string_view id) {
    return to_bytes(id);
}

Bytes key_of(std::string_view first, std::string_view second) {
    return concat(as_bytes(first), as_bytes(second));
}

Bytes key_of(std::string_view id, std::uint64_t number) {
    Bytes out = to_bytes(id);
    append_u64(out, number);
    return out;
}

Bytes key_of(std::string_view id, std::uint64_t epoch, std::uint64_t number) {
    return concat(as_bytes(id), number_key(epoch, number));
}

Bytes tenant_key(std::string_view tenant, std::string_view rest) {
    Bytes out;
    out.reserve(tenant.size() + 1 + rest.size());
    append(out, tenant);
    out.push_back(0);
    append(out, rest);
    return out;
}

Bytes number_key(std::uint64_t number) {
    Bytes out;
    append_u64(out, number);
    return out;
}

Bytes number_key(std::uint64_t epoch, std::uint64_t number) {
    Bytes key;
    append_u64(key, epoch);
    append_u64(key, number);
    return key;
}

}  // namespace sigillo
