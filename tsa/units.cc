#include "tsa/units.h"

#include <algorithm>

#include "tsa/unit_records.h"

namespace sigillo::tsa {

using record::Unit;

Result<std::unique_ptr<Units>> Units::open(UnitsConfig config, Parts parts) {
    std::unique_ptr<Units> units(new Units(config, std::move(parts)));
    SIGILLO_TRY(units->resume());
    SIGILLO_TRY(units->reload());
    return units;
}

Result<std::vector<UnitInfo>> Units::list() const {
    SIGILLO_ASSIGN(auto all, parts_.ledger.view([&](ReadTransaction& txn) -> Result<std::vector<UnitInfo>> {
        std::vector<UnitInfo> read;
        SIGILLO_TRY(txn.scan(kUnits.space, {}, {}, [&](ByteView key, ByteView stored) -> Result<bool> {
            UnitInfo info;
            SIGILLO_ASSIGN(info.id, UnitId::parse(as_text(key)));
            SIGILLO_ASSIGN(const auto decoded, parts_.ledger.codec().decode(kUnits.space, key, stored));
            SIGILLO_TRY(detail::parse_payload(info.record, decoded.payload, kUnits.space, key));
            info.version = decoded.version;
            read.push_back(std::move(info));
            return true;
        }));
        return read;
    }));
    const std::lock_guard lock(mutex_);
    for (UnitInfo& info : all)
        if (const auto found = troubles_.find(info.id); found != troubles_.end())
            info.trouble = found->second;
    return all;
}

Result<UnitInfo> Units::find(const UnitId& id) const {
    return parts_.ledger.view([&](ReadTransaction& txn) -> Result<UnitInfo> {
        SIGILLO_ASSIGN(auto record,
                       require(txn, parts_.ledger.codec(), kUnits, key_of_unit(id), UnitTag::kField));
        return UnitInfo{id, std::move(record.value), record.version, {}};
    });
}

Status Units::change(const UnitId& id, std::string_view type, const UnitOrder& order, const Change& apply) {
    return parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto unit, recorder.require(kUnits, key_of_unit(id), UnitTag::kField));
        audit::Event event = recorder.event(type);
        event.set("unit", id.str());
        SIGILLO_TRY(apply(unit.value, event));
        set_order(event, order);
        SIGILLO_TRY(recorder.save(kUnits, key_of_unit(id), unit));
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
}

Result<Units::Created> Units::create(const NewUnit& unit, const UnitOrder& order) {
    SIGILLO_TRY(check_new_unit(unit));
    const std::lock_guard lock(changing_);
    SIGILLO_ASSIGN(const auto all, list());
    const auto kept = std::ranges::count_if(
        all, [](const UnitInfo& info) { return info.record.state() != record::UNIT_DESTROYED; });
    if (static_cast<std::size_t>(kept) >= config_.max_units)
        return fail(Errc::kLimitExceeded, "there are as many units as configured; destroy old ones",
                    "max_units");

    Created created{UnitId::generate(parts_.random), {}};
    const Unit record = new_record(unit, now(), config_.key_life);
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_TRY(recorder.create(kUnits, key_of_unit(created.id), record));
        audit::Event event = recorder.event("tsu.creating");
        event.set("unit", created.id.str()).set("name", unit.name).set("algorithm", record.key_algorithm());
        set_order(event, order);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    }));
    if (Status made = make_key(created.id, unit.algorithm); !made) {
        // The record still says "being created": destroying is the way out of it, now or at the next start.
        if (const Status gone = destroy_key(created.id); !gone)
            parts_.logger.error("tsu_not_cleaned_up", {{"unit", created.id.str()}, {"error", gone.error()}});
        return std::unexpected(std::move(made).error());
    }
    SIGILLO_ASSIGN(created.request, request(created.id));
    return created;
}

Status Units::make_key(const UnitId& id, KeyAlgorithm algorithm) {
    SIGILLO_ASSIGN(const PublicKey key, parts_.keys.create(id.str(), algorithm));
    return change(id, "tsu.created", {}, [&](Unit& unit, audit::Event& event) -> Status {
        unit.set_state(record::UNIT_PENDING);
        unit.set_spki(key.spki.data(), key.spki.size());
        event.set_base64("spki_sha256", sha256(key.spki));
        return {};
    });
}

Result<Bytes> Units::request(const UnitId& id) {
    SIGILLO_ASSIGN(const UnitInfo info, find(id));
    SIGILLO_TRY(expect(info.record, {record::UNIT_PENDING, record::UNIT_READY}));
    SIGILLO_ASSIGN(const auto key, parts_.keys.open(id.str()));
    SIGILLO_ASSIGN(const PublicKey expected, public_key_of(info.record));
    if (key->public_key() != expected)
        return fail(Errc::kCorrupt, "the token has another key for unit " + id.str());
    const WallTime created = from_unix_millis(info.record.created_ms());
    return make_unit_request(*key, subject_of(info.record), {created, created + config_.key_life});
}

Status Units::import(const UnitId& id, std::span<const Bytes> chain, const UnitOrder& order) {
    if (chain.empty()) return fail(Errc::kInvalidArgument, "chain is empty", "chain");
    SIGILLO_ASSIGN(const UnitCertificate certificate, read_unit_certificate(chain.front()));
    const std::lock_guard lock(changing_);
    SIGILLO_ASSIGN(const UnitInfo info, find(id));
    SIGILLO_TRY(expect(info.record, {record::UNIT_PENDING, record::UNIT_READY}));
    SIGILLO_ASSIGN(const PublicKey key, public_key_of(info.record));
    if (certificate.spki != key.spki)
        return fail(Errc::kInvalidArgument, "unit's certificate: is for another key", "chain");
    SIGILLO_TRY(parts_.check_chain(chain, key, now()));
    return change(id, "tsu.certified", order, [&](Unit& unit, audit::Event& event) -> Status {
        SIGILLO_TRY(expect(unit, {record::UNIT_PENDING, record::UNIT_READY}));
        SIGILLO_TRY(set_usage(unit, certificate, now(), config_));
        unit.set_state(record::UNIT_READY);
        unit.clear_chain();
        for (const Bytes& der : chain) unit.add_chain(der.data(), der.size());
        event.set_base64("certificate_sha256", sha256(chain.front()));
        event.set("usage_from", rfc3339(from_unix_millis(unit.usage_from_ms())));
        event.set("usage_until", rfc3339(from_unix_millis(unit.usage_until_ms())));
        return {};
    });
}

Status Units::activate(const UnitId& id, const UnitOrder& order) {
    const std::lock_guard lock(changing_);
    SIGILLO_ASSIGN(const UnitInfo info, find(id));
    SIGILLO_TRY(expect(info.record, {record::UNIT_READY}));
    SIGILLO_TRY(expect_in_period(info.record, now()));
    SIGILLO_TRY(bring_up(info));  // before anybody relies on it
    SIGILLO_TRY(change(id, "tsu.activated", order, [&](Unit& unit, audit::Event&) -> Status {
        SIGILLO_TRY(expect(unit, {record::UNIT_READY}));
        unit.set_state(record::UNIT_ACTIVE);
        unit.set_activated_ms(unix_millis(now()));
        return {};
    }));
    return reload();
}

Status Units::rotate(const UnitId& from, const UnitId& to, const UnitOrder& order) {
    const std::lock_guard lock(changing_);
    SIGILLO_ASSIGN(const UnitInfo next, find(to));
    SIGILLO_TRY(expect(next.record, {record::UNIT_READY}));
    SIGILLO_TRY(expect_in_period(next.record, now()));
    SIGILLO_TRY(bring_up(next));
    const auto leaving = serving(from);
    Status status = parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto old_unit, recorder.require(kUnits, key_of_unit(from), UnitTag::kField));
        SIGILLO_ASSIGN(auto new_unit, recorder.require(kUnits, key_of_unit(to), UnitTag::kField));
        SIGILLO_TRY(expect(old_unit.value, {record::UNIT_ACTIVE}));
        SIGILLO_TRY(expect(new_unit.value, {record::UNIT_READY}));
        old_unit.value.set_state(record::UNIT_RETIRED);
        old_unit.value.set_retired_ms(unix_millis(now()));
        new_unit.value.set_state(record::UNIT_ACTIVE);
        new_unit.value.set_activated_ms(unix_millis(now()));
        SIGILLO_TRY(recorder.save(kUnits, key_of_unit(from), old_unit));
        SIGILLO_TRY(recorder.save(kUnits, key_of_unit(to), new_unit));
        audit::Event event = recorder.event("tsu.rotated");
        event.set("unit", to.str()).set("replaces", from.str());
        set_order(event, order);
        SIGILLO_TRY(recorder.log(std::move(event)));
        if (leaving) leaving->closed = true;  // last: tokens that are committed after this one are not its
        return {};
    });
    if (!status && leaving) leaving->closed = false;
    SIGILLO_TRY(std::move(status));
    return reload();
}

// Before anything is served: keys whose creation or destruction was cut short are destroyed.
Status Units::resume() {
    SIGILLO_ASSIGN(const auto all, list());
    for (const UnitInfo& info : all)
        if (info.record.state() == record::UNIT_CREATING || info.record.state() == record::UNIT_DESTROYING)
            SIGILLO_TRY(destroy_key(info.id));
    return {};
}

Result<std::shared_ptr<const TimeStampingUnit>> Units::bring_up(const UnitInfo& info) const {
    SIGILLO_ASSIGN(const PublicKey expected, public_key_of(info.record));
    SIGILLO_ASSIGN(auto key, parts_.keys.open(info.id.str()));
    if (key->public_key() != expected)
        return fail(Errc::kCorrupt, "the token has another key for unit " + info.id.str());
    const std::vector<Bytes> chain = chain_of(info.record);
    if (chain.empty()) return fail(Errc::kConflict, "the unit has no certificate", "unitID");
    SIGILLO_ASSIGN(const UnitCertificate certificate, read_unit_certificate(chain.front()));
    if (certificate.spki != expected.spki)
        return fail(Errc::kCorrupt, "the certificate of unit " + info.id.str() + " is for another key");
    SIGILLO_ASSIGN(Verifier verifier, Verifier::create_for_many(expected));
    const auto hash = static_cast<HashAlgorithm>(info.record.hash());
    if (digest_size(hash) == 0) return fail(Errc::kCorrupt, "tsa_units: unknown hash");
    auto unit = std::make_shared<TimeStampingUnit>(
        info.id, std::move(key), std::move(verifier),
        TokenTemplate::create(certificate, chain, expected.algorithm, hash));
    unit->usage_from = from_unix_millis(info.record.usage_from_ms());
    unit->usage_until = from_unix_millis(info.record.usage_until_ms());
    unit->policies.assign(info.record.policies().begin(), info.record.policies().end());
    return std::shared_ptr<const TimeStampingUnit>(std::move(unit));
}

// A new set, in one stroke. Units that serve already go on as they are.
Status Units::reload() {
    SIGILLO_ASSIGN(auto all, list());
    std::ranges::sort(all, std::ranges::greater(),
                      [](const UnitInfo& info) { return info.record.activated_ms(); });
    auto set = std::make_shared<UnitSet>();
    std::map<UnitId, std::string> troubles;
    for (const UnitInfo& info : all) {
        if (info.record.state() != record::UNIT_ACTIVE) continue;
        if (auto before = serving(info.id)) {
            set->push_back(std::move(before));
            continue;
        }
        auto unit = bring_up(info);
        if (unit) {
            set->push_back(*std::move(unit));
            continue;
        }
        parts_.logger.error("tsu_out_of_service", {{"unit", info.id.str()}, {"error", unit.error()}});
        troubles.emplace(info.id, to_string(unit.error()));
    }
    const std::lock_guard lock(mutex_);
    in_service_ = std::move(set);
    troubles_ = std::move(troubles);
    return {};
}

std::shared_ptr<const UnitSet> Units::in_service() const {
    const std::lock_guard lock(mutex_);
    return in_service_;
}

std::shared_ptr<const TimeStampingUnit> Units::serving(const UnitId& id) const {
    const auto set = in_service();
    const auto found = std::ranges::find(*set, id, [](const auto& unit) { return unit->id; });
    return found == set->end() ? nullptr : *found;
}

}  // namespace sigillo::tsa
