#include "tsa/unit_records.h"

#include <algorithm>

#include "appliance/base/oid.h"
#include "tsa/unit_algorithms.h"

namespace sigillo::tsa {

using record::Unit;

namespace {

std::string_view state_name(record::UnitState state) {
    switch (state) {
        case record::UNIT_CREATING:
            return "being created";
        case record::UNIT_PENDING:
            return "without a certificate";
        case record::UNIT_READY:
            return "ready";
        case record::UNIT_ACTIVE:
            return "active";
        case record::UNIT_RETIRED:
            return "retired";
        case record::UNIT_DESTROYING:
            return "being destroyed";
        case record::UNIT_DESTROYED:
            return "destroyed";
        default:
            return "in no known state";
    }
}

Status check_name(std::string_view name) {
    const bool good = !name.empty() && name.size() <= 64 &&
                      std::ranges::all_of(name, [](char c) { return c >= ' ' && c <= '~'; });
    if (!good)
        return fail(Errc::kInvalidArgument, "a unit's name is 1 to 64 printable ASCII characters", "name");
    return {};
}

}  // namespace

Bytes key_of_unit(const UnitId& id) {
    return key_of(id.str());
}

void set_order(audit::Event& event, const UnitOrder& order) {
    if (!order.officer.empty()) event.set("officer", order.officer);
    if (!order.reason.empty()) event.set("reason", order.reason);
}

Status expect(const Unit& unit, std::initializer_list<record::UnitState> states) {
    if (std::ranges::find(states, unit.state()) != states.end()) return {};
    return fail(Errc::kConflict, "the unit is " + std::string(state_name(unit.state())), "unitID");
}

Result<PublicKey> public_key_of(const Unit& unit) {
    const auto algorithm = key_algorithm_from_name(unit.key_algorithm());
    if (!algorithm) return fail(Errc::kCorrupt, "tsa_units: key algorithm " + unit.key_algorithm());
    return PublicKey{*algorithm, to_bytes(unit.spki())};
}

std::vector<Bytes> chain_of(const Unit& unit) {
    std::vector<Bytes> chain;
    for (const std::string& certificate : unit.chain()) chain.push_back(to_bytes(certificate));
    return chain;
}

UnitSubject subject_of(const Unit& unit) {
    const auto& subject = unit.subject();
    return {subject.country(), subject.organization(), subject.organization_identifier(),
            subject.common_name()};
}

Unit new_record(const NewUnit& unit, WallTime now, std::chrono::days key_life) {
    Unit made;
    made.set_state(record::UNIT_CREATING);
    made.set_name(unit.name);
    made.set_key_algorithm(std::string(key_algorithm_name(unit.algorithm)));
    made.set_hash(static_cast<std::uint32_t>(usual_hash(unit.algorithm)));
    for (const std::string& policy : unit.policies) made.add_policies(policy);
    auto* subject = made.mutable_subject();
    subject->set_country(unit.subject.country);
    subject->set_organization(unit.subject.organization);
    subject->set_organization_identifier(unit.subject.organization_identifier);
    subject->set_common_name(unit.subject.common_name);
    made.set_created_ms(unix_millis(now));
    // As the request asks for; the certificate decides.
    made.set_usage_from_ms(unix_millis(now));
    made.set_usage_until_ms(unix_millis(now + key_life));
    return made;
}

Status expect_in_period(const Unit& unit, WallTime now) {
    if (unit.usage_from_ms() <= unix_millis(now) && unix_millis(now) <= unit.usage_until_ms()) return {};
    return fail(Errc::kConflict,
                "the unit's key is for use from " + rfc3339(from_unix_millis(unit.usage_from_ms())) + " to " +
                    rfc3339(from_unix_millis(unit.usage_until_ms())),
                "unitID");
}

Status set_usage(Unit& unit, const UnitCertificate& certificate, WallTime now, const UnitsConfig& config) {
    WallTime from = certificate.not_before;
    WallTime until = std::min<WallTime>(now + config.key_life, certificate.not_after - config.margin);
    if (const auto& period = certificate.key_usage_period) {
        if (period->from) from = std::max(from, *period->from);
        if (period->until) until = *period->until;
    }
    if (until <= now || until <= from)
        return fail(Errc::kInvalidArgument,
                    "unit's certificate: its key would end on " + rfc3339(until) +
                        "; the certificate must be valid for " + std::to_string(config.margin.count()) +
                        " days longer than the key is used",
                    "chain");
    unit.set_usage_from_ms(unix_millis(from));
    unit.set_usage_until_ms(unix_millis(until));
    return {};
}

Status check_new_unit(const NewUnit& unit) {
    SIGILLO_TRY(check_name(unit.name));
    SIGILLO_TRY(check_subject(unit.subject));
    if (!is_ec(unit.algorithm) && !is_rsa(unit.algorithm))
        return fail(Errc::kInvalidArgument, "units have EC or RSA keys", "algorithm");
    for (const std::string& policy : unit.policies) SIGILLO_TRY(encode_oid(policy));
    return {};
}

}  // namespace sigillo::tsa
