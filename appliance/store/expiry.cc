#include "appliance/store/expiry.h"

#include <algorithm>

#include "appliance/store/place.h"
#include "appliance/store/tables.h"

namespace sigillo {
namespace {

constexpr std::size_t kTimeSize = 8;

// Spaces whose entries are for a time only.
constexpr std::array kExpiring{
    tables::kClientBudgets.space, tables::kSads.space, tables::kSadKeys.space,     tables::kClickNonces.space,
    tables::kCalls.space,         tables::kUses.space, tables::kIdempotency.space, tables::kEvidence.space,
};
static_assert(!tables::kClientBudgets.tracked && !tables::kSads.tracked && !tables::kSadKeys.tracked &&
              !tables::kClickNonces.tracked && !tables::kCalls.tracked && !tables::kUses.tracked &&
              !tables::kIdempotency.tracked && !tables::kEvidence.tracked);

Error malformed(ByteView key, const char* why) {
    return Error{Errc::kCorrupt, place_of(tables::kExpiries.space, key) + ": " + why};
}

}  // namespace

Bytes expiry_key(WallTime due, Space space, ByteView key) {
    Bytes out;
    out.reserve(kTimeSize + space.name.size() + 1 + key.size());
    append_u64(out, static_cast<std::uint64_t>(std::max<std::int64_t>(unix_millis(due), 0)));
    append(out, space.name);
    out.push_back(0);
    append(out, key);
    return out;
}

Result<WallTime> expiry_due(ByteView expiry_key) {
    if (expiry_key.size() < kTimeSize) return std::unexpected(malformed(expiry_key, "shorter than a time"));
    const std::uint64_t millis = read_u64(expiry_key);
    if (millis > static_cast<std::uint64_t>(INT64_MAX))
        return std::unexpected(malformed(expiry_key, "time out of range"));
    return from_unix_millis(static_cast<std::int64_t>(millis));
}

Result<Expiry> parse_expiry_key(ByteView expiry_key) {
    SIGILLO_ASSIGN(const WallTime due, expiry_due(expiry_key));
    const ByteView rest = expiry_key.subspan(kTimeSize);
    const auto zero = std::ranges::find(rest, std::uint8_t{0});
    if (zero == rest.end()) return std::unexpected(malformed(expiry_key, "no space name"));
    const auto length = static_cast<std::size_t>(zero - rest.begin());
    const std::string_view name = as_text(rest.first(length));
    const auto space = std::ranges::find(kAllSpaces, name, &Space::name);
    if (space == kAllSpaces.end()) return std::unexpected(malformed(expiry_key, "unknown space"));
    const ByteView key = rest.subspan(length + 1);
    if (key.empty()) return std::unexpected(malformed(expiry_key, "no key"));
    return Expiry{due, *space, to_bytes(key)};
}

bool may_expire(Space space) {
    return std::ranges::find(kExpiring, space) != kExpiring.end();
}

}  // namespace sigillo
