#include "appliance/audit/recorder.h"

#include "appliance/store/expiry.h"

namespace sigillo::audit {

namespace {

// Bytes of changes in one leaf: half of what it can hold, the other half is for the event's own members.
constexpr std::size_t kChangesLimit = kLeafLimit / 2;

std::size_t written_size(std::string_view space, ByteView key) {
    constexpr std::size_t kFrame = 32;  // brackets, quotes, commas, a version of 16 digits
    return space.size() + key.size() * 4 / 3 + kFrame;
}

}  // namespace

void Recorder::note(Space space, bool tracked, ByteView key, std::uint64_t version) {
    // Of several changes between two entries only the last one lasts.
    if (tracked) changes_.insert_or_assign({std::string(space.name), to_bytes(key)}, version);
}

Result<std::uint64_t> Recorder::log(Event event) {
    std::size_t size = 0;
    for (const auto& [record, version] : changes_) size += written_size(record.first, record.second);
    auto next = changes_.begin();
    while (size > kChangesLimit) {
        Event part("records.changed", clock_.now());
        for (std::size_t taken = 0; next != changes_.end() && taken < kChangesLimit; ++next) {
            taken += written_size(next->first.first, next->first.second);
            size -= written_size(next->first.first, next->first.second);
            part.add_record(next->first.first, next->first.second, next->second);
        }
        SIGILLO_TRY(log_.append(txn_, part));
    }
    for (; next != changes_.end(); ++next)
        event.add_record(next->first.first, next->first.second, next->second);
    SIGILLO_ASSIGN(const std::uint64_t index, log_.append(txn_, event));
    changes_.clear();
    return index;
}

Status Recorder::schedule_expiry(WallTime when, Space space, ByteView key) {
    if (!may_expire(space))
        return fail(Errc::kInternal, std::string(space.name) + ": entries of this space do not expire");
    return txn_.put(tables::kExpiries.space, expiry_key(when, space, key), {});
}

}  // namespace sigillo::audit
