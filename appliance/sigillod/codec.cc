#include "appliance/sigillod/codec.h"

#include "appliance/issuance/x509/certificate_facts.h"

namespace sigillo {

sam::Error to_message(const Error& error) {
    sam::Error message;
    message.set_code(static_cast<std::uint32_t>(error.code));
    message.set_detail(error.detail);
    message.set_field(error.field);
    return message;
}

sam::Signer to_message(const issuance::SignerInfo& signer) {
    sam::Signer message;
    message.set_signer_id(signer.id.str());
    message.set_tenant(signer.tenant);
    message.set_created_ms(unix_millis(signer.created));
    sam::Person& person = *message.mutable_person();
    person.set_given(signer.person.given());
    person.set_family(signer.person.family());
    person.set_country(signer.country);
    person.set_organization(signer.person.organization());
    person.set_email(signer.person.email());
    person.set_phone(signer.person.phone());
    person.set_language(signer.person.language());
    person.set_external_reference(signer.person.external_reference());
    for (const auto& identifier : signer.person.identifiers()) {
        auto& out = *person.add_identifiers();
        out.set_type(identifier.type());
        out.set_value(identifier.value());
    }
    if (signer.person.has_identification()) {
        auto& out = *person.mutable_identification();
        out.set_method(signer.person.identification().method());
        out.set_reference(signer.person.identification().reference());
        out.set_time(signer.person.identification().time());
    }
    return message;
}

record::Person to_record(const sam::Person& person) {
    record::Person record;
    record.set_given(person.given());
    record.set_family(person.family());
    record.set_organization(person.organization());
    record.set_email(person.email());
    record.set_phone(person.phone());
    record.set_language(person.language());
    record.set_external_reference(person.external_reference());
    for (const auto& identifier : person.identifiers()) {
        auto& out = *record.add_identifiers();
        out.set_type(identifier.type());
        out.set_value(identifier.value());
    }
    if (person.has_identification()) {
        auto& out = *record.mutable_identification();
        out.set_method(person.identification().method());
        out.set_reference(person.identification().reference());
        out.set_time(person.identification().time());
    }
    return record;
}

sam::Factor to_message(const activation::FactorInfo& factor) {
    sam::Factor message;
    message.set_factor_id(factor.id.str());
    message.set_type(factor.type);
    message.set_created_ms(unix_millis(factor.created));
    return message;
}

sam::Client to_message(const RegisteredClient& client) {
    sam::Client message;
    message.set_client_id(client.id.str());
    message.set_tenant(client.tenant);
    message.set_name(client.name);
    message.set_spki_sha256(client.spki_sha256.data(), client.spki_sha256.size());
    message.set_created_ms(unix_millis(client.created));
    message.set_removed(client.removed);
    return message;
}

Result<sam::Credential> to_message(const issuance::CredentialInfo& credential, bool locked, WallTime now) {
    const record::Credential& record = credential.record;
    sam::Credential message;
    message.set_credential_id(credential.id.str());
    message.set_signer_id(record.signer_id());
    message.set_tenant(record.tenant());
    message.set_class_(std::string(issuance::class_name(record.class_())));
    message.set_status(std::string(issuance::status_name(record.status())));
    message.set_status_reason(record.status_reason());
    message.set_policy(record.policy());
    *message.mutable_factors() = record.factors();
    message.set_key_algorithm(record.key_algorithm());
    message.set_multisign(record.multisign());
    message.set_created_ms(record.created_ms());
    message.set_locked(locked);
    message.set_certificate_expired(record.chain_size() > 0 && unix_millis(now) > record.not_after_ms());
    message.set_signature_qualifier(issuance::signature_qualifier(record));
    message.set_qscd(record.qscd());
    for (const std::string& der : record.chain()) {
        SIGILLO_ASSIGN(const CertificateFacts facts, parse_certificate(as_bytes(der)));
        auto& certificate = *message.add_chain();
        certificate.set_der(der);
        certificate.set_subject_dn(facts.subject_dn);
        certificate.set_issuer_dn(facts.issuer_dn);
        certificate.set_serial_hex(facts.serial_hex);
        certificate.set_not_before_ms(unix_millis(facts.not_before));
        certificate.set_not_after_ms(unix_millis(facts.not_after));
    }
    return message;
}

Result<std::vector<Digest>> to_digests(std::uint32_t algorithm,
                                       const google::protobuf::RepeatedPtrField<std::string>& hashes) {
    if (algorithm < 1 || algorithm > 3)
        return fail(Errc::kInvalidArgument, "SHA-256, SHA-384 or SHA-512", "hashAlgorithmOID");
    std::vector<Digest> digests;
    digests.reserve(static_cast<std::size_t>(hashes.size()));
    for (const std::string& hash : hashes) {
        auto digest = Digest::create(static_cast<HashAlgorithm>(algorithm), as_bytes(hash));
        if (!digest) return fail(Errc::kInvalidArgument, digest.error().detail, "hash");
        digests.push_back(*digest);
    }
    return digests;
}

Result<std::size_t> page_limit(std::uint32_t limit) {
    constexpr std::size_t kDefault = 100;
    constexpr std::size_t kMost =
        1'000;  // of /v1; what would not fit into a frame (4 MiB) ends a page earlier
    if (limit > kMost) return fail(Errc::kInvalidArgument, "1 to 1000", "limit");
    return limit == 0 ? kDefault : limit;
}

}  // namespace sigillo
