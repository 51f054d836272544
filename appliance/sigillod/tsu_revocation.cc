#include "appliance/sigillod/tsu_revocation.h"

#include <algorithm>

#include "appliance/base/encoding.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/x509/certificate_facts.h"

namespace sigillo {
namespace {

// The embedded CA's own, as TsaOrders::certify() imports them: with its certificate behind them.
bool is_embedded(const tsa::record::Unit& unit, const issuance::Authority& authority) {
    return unit.chain_size() > 1 && equal(as_bytes(unit.chain(1)), ByteView(authority.certificate()));
}

struct Certificate {
    CertificateFacts facts;
    Bytes serial;
};

Result<Certificate> certificate_of(const tsa::record::Unit& unit) {
    Certificate certificate;
    SIGILLO_ASSIGN(certificate.facts, parse_certificate(as_bytes(unit.chain(0))));
    SIGILLO_ASSIGN(certificate.serial, issuance::serial_bytes(certificate.facts.serial_hex));
    return certificate;
}

}  // namespace

Result<tsa::record::Unit> TsuRevocation::find(const tsa::UnitId& id) const {
    SIGILLO_ASSIGN(const auto all, units_.list());
    const auto found = std::ranges::find(all, id, &tsa::UnitInfo::id);
    if (found == all.end()) return fail(Errc::kNotFound, "no such unit", "unitID");
    return found->record;
}

Result<std::optional<RevocationReason>> TsuRevocation::listed(const tsa::record::Unit& unit) const {
    SIGILLO_ASSIGN(const Certificate certificate, certificate_of(unit));
    return signing_log_.view([&](ReadTransaction& txn) {
        return issuance::Authority::revocation_of(txn, signing_log_.codec(), certificate.serial);
    });
}

Result<bool> TsuRevocation::is_listed(const tsa::record::Unit& unit) const {
    if (!is_embedded(unit, authority_)) return false;
    SIGILLO_ASSIGN(const auto reason, listed(unit));
    return reason.has_value();
}

Status TsuRevocation::revoke(const OfficerOrder& order, const tsa::UnitId& id, std::string_view revocation) {
    const auto reason = revocation_reason_from_name(revocation);
    if (!reason || *reason == RevocationReason::kCertificateHold)
        return fail(Errc::kInvalidArgument,
                    "unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, "
                    "cessationOfOperation or privilegeWithdrawn",
                    "revocation");
    SIGILLO_TRY(units_.revoke(id, revocation, {order.officer, order.reason}));
    SIGILLO_ASSIGN(const auto unit, find(id));
    return is_embedded(unit, authority_) ? put_on_list(order, id, unit) : Status();
}

Status TsuRevocation::put_on_list(const OfficerOrder& order, const tsa::UnitId& id,
                                  const tsa::record::Unit& unit) {
    SIGILLO_ASSIGN(const Certificate certificate, certificate_of(unit));
    const auto reason =
        revocation_reason_from_name(unit.revocation()).value_or(RevocationReason::kUnspecified);
    SIGILLO_TRY(signing_log_.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(const bool added,
                       issuance::Authority::revoke_unit(
                           recorder, certificate.serial, reason,
                           {id.str(), unit.revoked_ms(), unix_millis(certificate.facts.not_after)}));
        if (!added) return {};
        audit::Event event = recorder.event("ca.unit_revoked");
        event.set("unit", id.str())
            .set("serial", certificate.facts.serial_hex)
            .set("revocation", revocation_reason_name(reason))
            .set("revoked_at", rfc3339(from_unix_millis(unit.revoked_ms())))
            .set("not_after", rfc3339(certificate.facts.not_after));
        set_order(event, order);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    }));
    authority_.changed();
    return {};
}

Status TsuRevocation::reconcile() {
    SIGILLO_ASSIGN(const auto all, units_.list());
    for (const tsa::UnitInfo& info : all) {
        if (!is_embedded(info.record, authority_)) continue;
        SIGILLO_ASSIGN(const auto reason, listed(info.record));
        const OfficerOrder order{"sigillod", "found revoked at the start in the other store"};
        if (reason && info.record.revoked_ms() == 0)
            SIGILLO_TRY(
                units_.revoke(info.id, revocation_reason_name(*reason), {order.officer, order.reason}));
        if (!reason && info.record.revoked_ms() != 0) SIGILLO_TRY(put_on_list(order, info.id, info.record));
    }
    return {};
}

}  // namespace sigillo
