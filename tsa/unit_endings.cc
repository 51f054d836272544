// Units on their way out: retired, revoked, destroyed. units.h
#include "tsa/unit_records.h"
#include "tsa/units.h"

namespace sigillo::tsa {

using record::Unit;

Status Units::retire(const UnitId& id, std::string_view reason, std::string_view officer) {
    const std::lock_guard lock(changing_);
    return take_out(id, {officer, reason});
}

Status Units::take_out(const UnitId& id, const UnitOrder& order) {
    const auto leaving = serving(id);
    Status status = change(id, "tsu.retired", order, [&](Unit& unit, audit::Event&) -> Status {
        SIGILLO_TRY(expect(unit, {record::UNIT_ACTIVE}));
        unit.set_state(record::UNIT_RETIRED);
        unit.set_retired_ms(unix_millis(now()));
        if (leaving) leaving->closed = true;
        return {};
    });
    if (!status && leaving) leaving->closed = false;
    SIGILLO_TRY(std::move(status));
    return reload();
}

// The state says what the key may do, this what its certificate is worth: one that is destroyed can still be
// revoked.
Status Units::revoke(const UnitId& id, std::string_view revocation, const UnitOrder& order) {
    // A CRL that names no reason makes all of the key's tokens invalid (RFC 3161 §4).
    if (revocation == "unspecified")
        return fail(Errc::kInvalidArgument,
                    "a unit's certificate is revoked for a reason that the CRL can name", "revocation");
    const std::lock_guard lock(changing_);
    SIGILLO_ASSIGN(const UnitInfo info, find(id));
    if (info.record.chain().empty())
        return fail(Errc::kConflict, "the unit has no certificate to revoke: destroy it", "unitID");
    if (info.record.revoked_ms() != 0) return {};
    const auto leaving = serving(id);
    Status status = change(id, "tsu.revoked", order, [&](Unit& unit, audit::Event& event) -> Status {
        if (unit.state() == record::UNIT_ACTIVE || unit.state() == record::UNIT_READY) {
            unit.set_state(record::UNIT_RETIRED);
            unit.set_retired_ms(unix_millis(now()));
        }
        unit.set_revoked_ms(unix_millis(now()));
        unit.set_revocation(std::string(revocation));
        event.set("revocation", revocation);
        event.set_base64("certificate_sha256", sha256(as_bytes(unit.chain(0))));
        if (leaving) leaving->closed = true;
        return {};
    });
    if (!status && leaving) leaving->closed = false;
    SIGILLO_TRY(std::move(status));
    return reload();
}

Status Units::destroy(const UnitId& id, const UnitOrder& order) {
    const std::lock_guard lock(changing_);
    return destroy_key(id, order);
}

// Written down, done, written down.
Status Units::destroy_key(const UnitId& id, const UnitOrder& order) {
    SIGILLO_TRY(change(id, "tsu.destroying", order, [&](Unit& unit, audit::Event&) -> Status {
        SIGILLO_TRY(expect(unit, {record::UNIT_CREATING, record::UNIT_PENDING, record::UNIT_READY,
                                  record::UNIT_RETIRED, record::UNIT_DESTROYING}));
        unit.set_state(record::UNIT_DESTROYING);
        return {};
    }));
    Status gone = parts_.keys.destroy(id.str());
    // Not there: it was never made, or is gone since before a crash.
    if (!gone && gone.error().code != Errc::kNotFound) return gone;
    const bool was_there = gone.has_value();
    return change(id, "tsu.destroyed", {}, [&](Unit& unit, audit::Event& event) -> Status {
        unit.set_state(record::UNIT_DESTROYED);
        unit.set_destroyed_ms(unix_millis(now()));
        event.set_flag("key_found", was_there);
        return {};
    });
}

Status Units::housekeep(WallTime now) {
    const std::lock_guard lock(changing_);
    SIGILLO_ASSIGN(const auto all, list());
    for (const UnitInfo& info : all) {
        if (now <= from_unix_millis(info.record.usage_until_ms())) continue;
        const bool active = info.record.state() == record::UNIT_ACTIVE;
        if (active) SIGILLO_TRY(take_out(info.id, {{}, "the usage period of its key is over"}));
        if (config_.destroy_when_over && (active || info.record.state() == record::UNIT_RETIRED))
            SIGILLO_TRY(destroy_key(info.id));
    }
    return {};
}

}  // namespace sigillo::tsa
