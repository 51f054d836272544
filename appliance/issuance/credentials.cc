#include "appliance/issuance/credentials.h"

#include <algorithm>
#include <cctype>

#include "appliance/base/encoding.h"

namespace sigillo::issuance {
namespace {

audit::Event status_event(audit::Recorder& recorder, const CredentialId& credential,
                          const record::Credential& record, std::string_view actor) {
    audit::Event event = recorder.event("credential.status");
    event.set("credential", credential.str())
        .set("signer", record.signer_id())
        .set("tenant", record.tenant())
        .set("status", status_name(record.status()))
        .set("actor", actor);
    if (!record.status_reason().empty()) event.set("reason", record.status_reason());
    return event;
}

}  // namespace

std::string_view class_name(record::CredentialClass credential_class) {
    switch (credential_class) {
        case record::CLASS_SIMPLE:
            return "simple";
        case record::CLASS_ADVANCED:
            return "advanced";
        case record::CLASS_QUALIFIED:
            return "qualified";
        default:
            return "unspecified";
    }
}

std::string_view status_name(record::CredentialStatus status) {
    switch (status) {
        case record::STATUS_PENDING:
            return "pending";
        case record::STATUS_ACTIVE:
            return "active";
        case record::STATUS_SUSPENDED:
            return "suspended";
        case record::STATUS_REVOKED:
            return "revoked";
        case record::STATUS_DELETED:
            return "deleted";
        default:
            return "unspecified";
    }
}

std::string signature_qualifier(const record::Credential& credential) {
    switch (credential.class_()) {
        case record::CLASS_ADVANCED:
            return "eu_eidas_aes";
        case record::CLASS_QUALIFIED:
            if (!credential.qualified_certificate()) return "";
            return credential.qscd() ? "eu_eidas_qes" : "eu_eidas_aesqc";
        default:
            return "";
    }
}

Result<Bytes> serial_bytes(std::string_view serial_hex) {
    std::string lower(serial_hex);
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return hex_decode(lower);
}

Result<Record<record::Credential>> Credentials::own(ReadTransaction& txn, const std::string& tenant,
                                                    const CredentialId& credential) {
    SIGILLO_ASSIGN(auto record, require(txn, parts_.ledger.codec(), tables::kCredentials,
                                        key_of(credential.str()), "credentialID"));
    const bool visible = tenant.empty() ||
                         (record.value.tenant() == tenant && record.value.status() != record::STATUS_DELETED);
    if (!visible) return fail(Errc::kNotFound, "no such credential of this tenant", "credentialID");
    return record;
}

Status Credentials::set_certificate(const std::string& tenant, const ClientId& client,
                                    const CredentialId& credential, const std::vector<Bytes>& chain) {
    SIGILLO_ASSIGN(const auto before,
                   parts_.ledger.view([&](ReadTransaction& txn) { return own(txn, tenant, credential); }));
    if (before.value.certificate_source() != "csr")
        return fail(Errc::kConflict, "this credential's certificate comes from the embedded CA",
                    "credentialID");
    const auto algorithm = key_algorithm_from_name(before.value.key_algorithm());
    if (!algorithm) return fail(Errc::kCorrupt, "credential with an unknown key algorithm");
    SIGILLO_ASSIGN(const CheckedChain checked,
                   check_chain(chain, PublicKey{*algorithm, to_bytes(before.value.spki())},
                               parts_.ledger.clock().now(), parts_.limits.chain));
    const CertificateFacts& leaf = checked.leaf();
    if (before.value.class_() == record::CLASS_QUALIFIED && !leaf.qualified.qc_compliance)
        return fail(
            Errc::kInvalidArgument,
            "class qualified needs a certificate with the statement QcCompliance (EN 319 412-5 §4.2.1)",
            "chain");
    SIGILLO_ASSIGN(const Bytes serial, serial_bytes(leaf.serial_hex));

    std::uint64_t version = 0;
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto record, own(recorder.transaction(), tenant, credential));
        if (record.value.status() == record::STATUS_REVOKED ||
            record.value.status() == record::STATUS_DELETED)
            return fail(Errc::kConflict, "the credential is revoked", "credentialID");
        record.value.clear_chain();
        for (const Bytes& certificate : chain) record.value.add_chain(certificate.data(), certificate.size());
        record.value.set_certificate_serial(serial.data(), serial.size());
        record.value.set_not_before_ms(unix_millis(leaf.not_before));
        record.value.set_not_after_ms(unix_millis(leaf.not_after));
        record.value.set_qualified_certificate(leaf.qualified.qc_compliance);
        if (record.value.status() == record::STATUS_PENDING) record.value.set_status(record::STATUS_ACTIVE);
        SIGILLO_TRY(recorder.save(tables::kCredentials, key_of(credential.str()), record));
        audit::Event event = recorder.event("credential.certificate");
        event.set("credential", credential.str())
            .set("tenant", record.value.tenant())
            .set("client", client.str())
            .set_base64("certificate_sha256", ByteView(sha256(chain.front())));
        SIGILLO_TRY(recorder.log(std::move(event)));
        version = record.version;
        return {};
    }));
    parts_.changed(credential, version);
    return {};
}

Status Credentials::set_status(const std::string& tenant, std::string_view actor,
                               const CredentialId& credential, std::string_view status,
                               const std::string& reason, const OnCredentialChanged& in_transaction) {
    record::CredentialStatus wanted = record::STATUS_UNSPECIFIED;
    if (status == "active") wanted = record::STATUS_ACTIVE;
    if (status == "suspended") wanted = record::STATUS_SUSPENDED;
    if (status == "revoked") wanted = record::STATUS_REVOKED;
    if (wanted == record::STATUS_UNSPECIFIED)
        return fail(Errc::kInvalidArgument, "active, suspended or revoked", "status");
    constexpr std::size_t kReasonLimit = 256;  // bytes: a sentence for the log, which cannot be erased
    if (reason.size() > kReasonLimit) return fail(Errc::kLimitExceeded, "at most 256 bytes", "reason");

    std::uint64_t version = 0;
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto record, own(recorder.transaction(), tenant, credential));
        const record::CredentialStatus now = record.value.status();
        const bool by_officer = tenant.empty();
        // An officer who suspends what its client has suspended already takes the hold over.
        const bool takes_over =
            by_officer && wanted == record::STATUS_SUSPENDED && !record.value.held_by_officer();
        if (now == wanted && !takes_over) {
            if (in_transaction) SIGILLO_TRY(in_transaction(recorder));
            return {};
        }
        if (now == record::STATUS_REVOKED || now == record::STATUS_DELETED)
            return fail(Errc::kConflict, "a revocation is final", "status");
        if (now == record::STATUS_PENDING && wanted != record::STATUS_REVOKED)
            return fail(Errc::kConflict, "the credential has no certificate yet", "status");
        if (!by_officer && wanted == record::STATUS_ACTIVE && record.value.held_by_officer())
            return fail(Errc::kConflict,
                        "a security officer suspended the credential, and only one resumes it", "status");
        record.value.set_held_by_officer(by_officer && wanted == record::STATUS_SUSPENDED);
        SIGILLO_ASSIGN(const std::uint64_t index, recorder.next_index());
        record.value.set_status(wanted);
        record.value.set_status_reason(reason);
        record.value.set_status_changed_ms(unix_millis(recorder.clock().now()));
        record.value.set_status_changed_epoch(recorder.epoch());
        record.value.set_status_changed_index(index);
        if (record.value.certificate_source() == "embedded") {
            const ByteView serial = as_bytes(record.value.certificate_serial());
            if (wanted == record::STATUS_ACTIVE) {
                SIGILLO_TRY(Authority::lift_hold(recorder, serial));
            } else {
                const auto named = revocation_reason_from_name(reason);
                const auto why = wanted == record::STATUS_SUSPENDED ? RevocationReason::kCertificateHold
                                 : named && *named != RevocationReason::kCertificateHold
                                     ? *named
                                     : RevocationReason::kUnspecified;
                SIGILLO_TRY(
                    Authority::revoke(recorder, serial, why, credential, record.value.not_after_ms()));
            }
        }
        SIGILLO_TRY(recorder.save(tables::kCredentials, key_of(credential.str()), record));
        SIGILLO_TRY(recorder.log(status_event(recorder, credential, record.value, actor)));
        version = record.version;
        if (in_transaction) SIGILLO_TRY(in_transaction(recorder));
        return {};
    }));
    if (version != 0) {
        parts_.changed(credential, version);
        parts_.authority.changed();
    }
    return {};
}

Status Credentials::set_qscd(std::string_view actor, const CredentialId& credential, bool qscd,
                             std::string_view reason) {
    std::uint64_t version = 0;
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto record, own(recorder.transaction(), "", credential));
        if (record.value.class_() != record::CLASS_QUALIFIED)
            return fail(Errc::kConflict, "only class qualified knows a QSCD", "qscd");
        record.value.set_qscd(qscd);
        SIGILLO_TRY(recorder.save(tables::kCredentials, key_of(credential.str()), record));
        audit::Event event = recorder.event("credential.qscd");
        event.set("credential", credential.str()).set("actor", actor).set_flag("qscd", qscd);
        if (!reason.empty()) event.set("reason", reason);
        SIGILLO_TRY(recorder.log(std::move(event)));
        version = record.version;
        return {};
    }));
    parts_.changed(credential, version);
    return {};
}

Status Credentials::remove(const std::string& tenant, const ClientId& client,
                           const CredentialId& credential) {
    std::uint64_t version = 0;
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto record, own(recorder.transaction(), tenant, credential));
        if (record.value.certificate_source() == "embedded" &&
            record.value.status() != record::STATUS_REVOKED)
            SIGILLO_TRY(Authority::revoke(recorder, as_bytes(record.value.certificate_serial()),
                                          RevocationReason::kCessationOfOperation, credential,
                                          record.value.not_after_ms()));
        record.value.set_status(record::STATUS_DELETED);
        record.value.set_status_changed_ms(unix_millis(recorder.clock().now()));
        record.value.clear_wrapped_key();
        SIGILLO_TRY(recorder.save(tables::kCredentials, key_of(credential.str()), record));
        SIGILLO_TRY(
            recorder.erase(tables::kCredentialsBySigner, key_of(record.value.signer_id(), credential.str())));
        SIGILLO_TRY(recorder.erase(tables::kCredentialsByTenant,
                                   tenant_key(record.value.tenant(), credential.str())));
        audit::Event event = recorder.event("credential.deleted");
        event.set("credential", credential.str())
            .set("tenant", record.value.tenant())
            .set("client", client.str());
        SIGILLO_TRY(recorder.log(std::move(event)));
        version = record.version;
        return {};
    }));
    parts_.changed(credential, version);
    parts_.authority.changed();
    return {};
}

Result<CredentialInfo> Credentials::get(const std::string& tenant, const CredentialId& credential) {
    return parts_.ledger.view([&](ReadTransaction& txn) -> Result<CredentialInfo> {
        SIGILLO_ASSIGN(auto record, own(txn, tenant, credential));
        SIGILLO_ASSIGN(auto state, require(txn, parts_.ledger.codec(), tables::kCredentialStates,
                                           key_of(credential.str()), "credentialID"));
        return CredentialInfo{credential, std::move(record.value), std::move(state.value)};
    });
}

Result<std::vector<CredentialInfo>> Credentials::list(const std::string& tenant, const std::string& signer,
                                                      const std::string& after, std::size_t limit,
                                                      bool only_valid) {
    return parts_.ledger.view([&](ReadTransaction& txn) -> Result<std::vector<CredentialInfo>> {
        if (!signer.empty()) {
            SIGILLO_ASSIGN(const auto owner,
                           require(txn, parts_.ledger.codec(), tables::kSigners, key_of(signer), "signerID"));
            if (!tenant.empty() && owner.value.tenant() != tenant)
                return fail(Errc::kNotFound, "no such signer of this tenant", "signerID");
        }
        constexpr std::size_t kIdLength = 32;
        const Space space = !signer.empty()  ? tables::kCredentialsBySigner.space
                            : tenant.empty() ? tables::kCredentials.space
                                             : tables::kCredentialsByTenant.space;
        const Bytes prefix = !signer.empty()  ? key_of(signer)
                             : tenant.empty() ? Bytes()
                                              : tenant_key(tenant, "");
        const std::int64_t now_ms = unix_millis(parts_.ledger.clock().now());
        std::vector<CredentialInfo> found;
        SIGILLO_TRY(txn.scan(
            space, prefix, concat(prefix, as_bytes(after)), [&](ByteView key, ByteView) -> Result<bool> {
                const std::string id(as_text(key.last(kIdLength)));
                if (id <= after) return true;
                SIGILLO_ASSIGN(auto record, require(txn, parts_.ledger.codec(), tables::kCredentials,
                                                    key_of(id), "credentialID"));
                // Indexes are only hints: the record itself says whose it is.
                if ((!tenant.empty() && record.value.tenant() != tenant) ||
                    (!signer.empty() && record.value.signer_id() != signer))
                    return true;
                if (only_valid &&
                    (record.value.status() != record::STATUS_ACTIVE ||
                     record.value.not_before_ms() > now_ms || record.value.not_after_ms() < now_ms))
                    return true;
                SIGILLO_ASSIGN(auto state, require(txn, parts_.ledger.codec(), tables::kCredentialStates,
                                                   key_of(id), "credentialID"));
                SIGILLO_ASSIGN(CredentialId credential, CredentialId::parse(id));
                found.push_back({std::move(credential), std::move(record.value), std::move(state.value)});
                return found.size() < limit;
            }));
        return found;
    });
}

}  // namespace sigillo::issuance
