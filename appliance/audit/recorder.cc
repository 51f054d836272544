#include "appliance/audit/recorder.h"

#include "appliance/store/expiry.h"

namespace sigillo::audit {

void Recorder::note(Space space, bool tracked, ByteView key, std::uint64_t version) {
    if (!tracked) return;
    // Of several changes between two entries only the last one lasts.
    for (Change& change : changes_) {
        if (change.space == space.name && equal(change.key, key)) {
            change.version = version;
            return;
        }
    }
    changes_.push_back({std::string(space.name), to_bytes(key), version});
}

Result<std::uint64_t> Recorder::log(Event event) {
    for (const Change& change : changes_) event.add_record(change.space, change.key, change.version);
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
