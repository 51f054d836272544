#include "appliance/sigillod/tsa_orders.h"

#include <algorithm>

#include "appliance/base/encoding.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/x509/certificate_facts.h"

namespace sigillo {
namespace {

std::string_view state_name(tsa::record::UnitState state) {
    switch (state) {
        case tsa::record::UNIT_CREATING:
            return "creating";
        case tsa::record::UNIT_PENDING:
            return "pending";
        case tsa::record::UNIT_READY:
            return "ready";
        case tsa::record::UNIT_ACTIVE:
            return "active";
        case tsa::record::UNIT_RETIRED:
            return "retired";
        case tsa::record::UNIT_DESTROYING:
            return "destroying";
        case tsa::record::UNIT_DESTROYED:
            return "destroyed";
        default:
            return "unknown";
    }
}

tsa::UnitOrder in_words_of(const OfficerOrder& order) {
    return {order.officer, order.reason};
}

}  // namespace

bool TsaOrders::takes(const sam::AdminRequest& request) {
    using Body = sam::AdminRequest;
    switch (request.body_case()) {
        case Body::kTsuList:
        case Body::kTsuCreate:
        case Body::kTsuImport:
        case Body::kTsuActivate:
        case Body::kTsuRotate:
        case Body::kTsuRetire:
        case Body::kTsuRevoke:
        case Body::kTsuDestroy:
        case Body::kTsuRequest:
        case Body::kGetTsaStatus:
            return true;
        default:
            return false;
    }
}

TsaOrders::Answer TsaOrders::carry_out(const OfficerOrder& order, const sam::AdminRequest& request) {
    if (tsa_ == nullptr)
        return fail(Errc::kUnsupported, "this appliance has no TSA: its configuration has no table [tsa]");
    using Body = sam::AdminRequest;
    tsa::Units& units = tsa_->units();
    switch (request.body_case()) {
        case Body::kTsuList:
            return list();
        case Body::kTsuCreate:
            return create(order, request.tsu_create());
        case Body::kTsuImport:
            return import(order, request.tsu_import());
        case Body::kTsuActivate: {
            SIGILLO_ASSIGN(const auto id, tsa::UnitId::parse(request.tsu_activate().tsu_id()));
            SIGILLO_TRY(units.activate(id, in_words_of(order)));
            return show(id);
        }
        case Body::kTsuRotate: {
            SIGILLO_ASSIGN(const auto from, tsa::UnitId::parse(request.tsu_rotate().from()));
            SIGILLO_ASSIGN(const auto to, tsa::UnitId::parse(request.tsu_rotate().to()));
            SIGILLO_TRY(units.rotate(from, to, in_words_of(order)));
            return show(to);
        }
        case Body::kTsuRetire: {
            SIGILLO_ASSIGN(const auto id, tsa::UnitId::parse(request.tsu_retire().tsu_id()));
            SIGILLO_TRY(units.retire(id, order.reason, order.officer));
            return show(id);
        }
        case Body::kTsuRevoke: {
            SIGILLO_ASSIGN(const auto id, tsa::UnitId::parse(request.tsu_revoke().tsu_id()));
            SIGILLO_TRY(revocation().revoke(order, id, request.tsu_revoke().revocation()));
            return show(id);
        }
        case Body::kTsuDestroy: {
            SIGILLO_ASSIGN(const auto id, tsa::UnitId::parse(request.tsu_destroy().tsu_id()));
            SIGILLO_TRY(units.destroy(id, in_words_of(order)));
            return show(id);
        }
        case Body::kTsuRequest: {
            SIGILLO_ASSIGN(const auto id, tsa::UnitId::parse(request.tsu_request().tsu_id()));
            SIGILLO_ASSIGN(const Bytes csr, units.request(id));
            sam::AdminResponse response;
            SIGILLO_ASSIGN(*response.mutable_tsu_created()->mutable_unit(), unit(id));
            response.mutable_tsu_created()->set_csr(csr.data(), csr.size());
            return response;
        }
        case Body::kGetTsaStatus: {
            sam::AdminResponse response;
            SIGILLO_ASSIGN(*response.mutable_tsa_status(), tsa_->status());
            return response;
        }
        default:
            return fail(Errc::kInvalidArgument, "a request without a body");
    }
}

Result<sam::Tsu> TsaOrders::to_message(const tsa::UnitInfo& info) {
    const tsa::record::Unit& record = info.record;
    sam::Tsu out;
    out.set_tsu_id(info.id.str());
    out.set_name(record.name());
    out.set_state(std::string(state_name(record.state())));
    out.set_key_algorithm(record.key_algorithm());
    for (const std::string& policy : record.policies()) out.add_policies(policy);
    out.mutable_subject()->set_country(record.subject().country());
    out.mutable_subject()->set_organization(record.subject().organization());
    out.mutable_subject()->set_organization_identifier(record.subject().organization_identifier());
    out.mutable_subject()->set_common_name(record.subject().common_name());
    for (const std::string& der : record.chain()) {
        SIGILLO_ASSIGN(const CertificateFacts facts, parse_certificate(as_bytes(der)));
        sam::CertificateInfo& certificate = *out.add_chain();
        certificate.set_der(der);
        certificate.set_subject_dn(facts.subject_dn);
        certificate.set_issuer_dn(facts.issuer_dn);
        certificate.set_serial_hex(facts.serial_hex);
        certificate.set_not_before_ms(unix_millis(facts.not_before));
        certificate.set_not_after_ms(unix_millis(facts.not_after));
    }
    out.set_created_ms(record.created_ms());
    out.set_usage_from_ms(record.usage_from_ms());
    out.set_usage_until_ms(record.usage_until_ms());
    out.set_activated_ms(record.activated_ms());
    out.set_retired_ms(record.retired_ms());
    out.set_destroyed_ms(record.destroyed_ms());
    out.set_trouble(info.trouble);
    out.set_revoked_ms(record.revoked_ms());
    out.set_revocation(record.revocation());
    if (record.revoked_ms() != 0) {
        SIGILLO_ASSIGN(const bool listed, revocation().is_listed(record));
        out.set_on_crl(listed);
    }
    return out;
}

Status TsaOrders::reconcile() {
    return tsa_ == nullptr ? Status() : revocation().reconcile();
}

TsaOrders::Answer TsaOrders::list() {
    SIGILLO_ASSIGN(const auto all, tsa_->units().list());
    sam::AdminResponse response;
    response.mutable_tsus();
    for (const tsa::UnitInfo& info : all) {
        SIGILLO_ASSIGN(*response.mutable_tsus()->add_units(), to_message(info));
    }
    return response;
}

Result<sam::Tsu> TsaOrders::unit(const tsa::UnitId& id) {
    SIGILLO_ASSIGN(const auto all, tsa_->units().list());
    const auto found = std::ranges::find(all, id, &tsa::UnitInfo::id);
    if (found == all.end()) return fail(Errc::kNotFound, "no such unit", "unitID");
    return to_message(*found);
}

TsaOrders::Answer TsaOrders::show(const tsa::UnitId& id) {
    sam::AdminResponse response;
    SIGILLO_ASSIGN(*response.mutable_tsu(), unit(id));
    return response;
}

TsaOrders::Answer TsaOrders::create(const OfficerOrder& order, const sam::TsuCreate& body) {
    const bool embedded = body.certificate_source() == "embedded";
    if (!embedded && body.certificate_source() != "csr")
        return fail(Errc::kInvalidArgument, "the certificate comes from \"csr\" or \"embedded\"",
                    "certificate.source");
    if (body.activate() && !embedded)
        return fail(Errc::kInvalidArgument, "a unit serves once its certificate is imported", "activate");
    tsa::NewUnit fresh;
    fresh.name = body.name();
    const auto algorithm = key_algorithm_from_name(body.algorithm());
    if (!algorithm) return fail(Errc::kInvalidArgument, "no such key algorithm", "algorithm");
    fresh.algorithm = *algorithm;
    fresh.subject = {body.subject().country(), body.subject().organization(),
                     body.subject().organization_identifier(), body.subject().common_name()};
    fresh.policies.assign(body.policies().begin(), body.policies().end());
    for (const std::string& policy : fresh.policies)
        if (std::ranges::find(tsa_->settings().authority.policies, policy) ==
            tsa_->settings().authority.policies.end())
            return fail(Errc::kInvalidArgument, policy + " is not one of tsa.policies", "policies");
    SIGILLO_ASSIGN(const auto created, tsa_->units().create(fresh, in_words_of(order)));
    if (embedded) SIGILLO_TRY(certify(order, created.id));
    if (body.activate()) SIGILLO_TRY(tsa_->units().activate(created.id, in_words_of(order)));
    sam::AdminResponse response;
    SIGILLO_ASSIGN(*response.mutable_tsu_created()->mutable_unit(), unit(created.id));
    if (!embedded) response.mutable_tsu_created()->set_csr(created.request.data(), created.request.size());
    return response;
}

// By the embedded CA, which stands in the signing log; what becomes of it stands in the TSA's.
Status TsaOrders::certify(const OfficerOrder& order, const tsa::UnitId& id) {
    SIGILLO_ASSIGN(const auto all, tsa_->units().list());
    const auto found = std::ranges::find(all, id, &tsa::UnitInfo::id);
    if (found == all.end()) return fail(Errc::kNotFound, "no such unit", "unitID");
    const tsa::record::Unit& record = found->record;
    const auto algorithm = key_algorithm_from_name(record.key_algorithm());
    if (!algorithm) return fail(Errc::kCorrupt, "tsa_units: unknown key algorithm");
    const Subject subject{.kind = SubjectKind::kAuthority,
                          .country = record.subject().country(),
                          .organization = record.subject().organization(),
                          .identifier = record.subject().organization_identifier(),
                          .common_name = record.subject().common_name()};
    const auto& config = tsa_->settings().units;
    const WallTime from = from_unix_millis(record.created_ms());
    const WallTime until =
        std::min<WallTime>(from + config.key_life, authority_.ca().facts().not_after - config.margin);
    SIGILLO_ASSIGN(
        const IssuedCertificate issued,
        authority_.ca().issue_for_time_stamps({*algorithm, to_bytes(record.spki())}, subject, from, until));
    SIGILLO_ASSIGN(const Bytes serial, issuance::serial_bytes(issued.serial_hex));
    SIGILLO_TRY(signing_log_.update([&](audit::Recorder& recorder) -> Status {
        audit::Event event = recorder.event("ca.unit_certified");
        event.set("unit", id.str())
            .set("serial", issued.serial_hex)
            .set_base64("certificate_sha256", ByteView(sha256(issued.der)));
        set_order(event, order);
        SIGILLO_TRY(issuance::note_issued(recorder, serial, issuance::kIssuedToUnit, id.str(),
                                          unix_millis(issued.not_after)));
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    }));
    const std::vector<Bytes> chain{issued.der, authority_.certificate()};
    return tsa_->units().import(id, chain, in_words_of(order));
}

Result<std::vector<issuance::EarlierCertificate>> TsaOrders::certificates_of_embedded_ca() {
    std::vector<issuance::EarlierCertificate> ours;
    if (tsa_ == nullptr) return ours;
    SIGILLO_ASSIGN(const auto all, tsa_->units().list());
    for (const tsa::UnitInfo& info : all) {
        if (info.record.chain_size() < 2 || !equal(as_bytes(info.record.chain(1)), authority_.certificate()))
            continue;
        SIGILLO_ASSIGN(const CertificateFacts facts, parse_certificate(as_bytes(info.record.chain(0))));
        SIGILLO_ASSIGN(Bytes serial, issuance::serial_bytes(facts.serial_hex));
        ours.push_back({std::move(serial), info.id.str(), unix_millis(facts.not_after)});
    }
    return ours;
}

TsaOrders::Answer TsaOrders::import(const OfficerOrder& order, const sam::TsuImport& body) {
    SIGILLO_ASSIGN(const auto id, tsa::UnitId::parse(body.tsu_id()));
    std::vector<Bytes> chain;
    for (const std::string& der : body.chain()) chain.push_back(to_bytes(der));
    SIGILLO_TRY(tsa_->units().import(id, chain, in_words_of(order)));
    if (body.activate()) SIGILLO_TRY(tsa_->units().activate(id, in_words_of(order)));
    return show(id);
}

}  // namespace sigillo
