// Credentials::create(): plan, make the key, certify it, store all of it at once.
#include <algorithm>

#include "appliance/activation/pin.h"
#include "appliance/base/encoding.h"
#include "appliance/issuance/credentials.h"
#include "appliance/issuance/issued_certificates.h"
#include "appliance/issuance/x509/certificate_request.h"

namespace sigillo::issuance {
namespace {

record::CredentialClass class_from(std::string_view name) {
    if (name == "simple") return record::CLASS_SIMPLE;
    if (name == "advanced") return record::CLASS_ADVANCED;
    if (name == "qualified") return record::CLASS_QUALIFIED;
    return record::CLASS_UNSPECIFIED;
}

// The name that goes into certificates. Without an official identifier the signer's opaque id makes it
// unique: no number is invented.
Subject subject_of(const SignerInfo& signer) {
    Subject subject;
    const record::Person& person = signer.person;
    subject.country = signer.country;
    subject.organization = person.organization();
    subject.identifier = signer.id.str();
    const bool legal = person.given().empty() && person.family().empty();
    subject.kind = legal ? SubjectKind::kLegalPerson : SubjectKind::kNaturalPerson;
    subject.given_name = person.given();
    subject.surname = person.family();
    for (const auto& identifier : person.identifiers()) {
        std::optional<IdentifierType> type;
        if (!legal && identifier.type() == "tax_code") type = IdentifierType::kTaxNumber;
        if (!legal && identifier.type() == "passport") type = IdentifierType::kPassport;
        if (!legal && identifier.type() == "identity_card") type = IdentifierType::kIdentityCard;
        if (!legal && identifier.type() == "personal_number") type = IdentifierType::kPersonalNumber;
        if (legal && identifier.type() == "vat") type = IdentifierType::kVatNumber;
        if (legal && identifier.type() == "trade_register") type = IdentifierType::kTradeRegister;
        if (!type) continue;
        if (auto semantic = semantic_identifier(*type, signer.country, identifier.value())) {
            subject.identifier = *std::move(semantic);
            subject.identifier_is_semantic = true;
            break;
        }
    }
    return subject;
}

}  // namespace

struct Credentials::Plan {
    CredentialId id;
    record::Credential record;
    KeyAlgorithm algorithm = KeyAlgorithm::kEcP256;
    Subject subject;
    Bytes pin_public_key;  // of the PIN factor, where the policy seals the key
};

Result<Credentials::Plan> Credentials::plan(const CreateCredentialRequest& request) {
    Plan plan;
    plan.id = CredentialId::generate(parts_.random);
    const record::CredentialClass credential_class = class_from(request.credential_class);
    if (request.credential_class.empty()) return fail(Errc::kMissingArgument, "required", "class");
    if (credential_class == record::CLASS_UNSPECIFIED)
        return fail(Errc::kInvalidArgument, "simple, advanced or qualified", "class");

    const auto algorithm = key_algorithm_from_name(request.key_algorithm);
    if (!algorithm)
        return fail(Errc::kInvalidArgument, "EC-P256, EC-P384, RSA-2048, RSA-3072 or RSA-4096", "key.algo");
    if (credential_class != record::CLASS_SIMPLE && *algorithm == KeyAlgorithm::kRsa2048)
        return fail(Errc::kInvalidArgument,
                    "classes advanced and qualified need EC-P256, EC-P384 or RSA of 3072 bits", "key.algo");
    plan.algorithm = *algorithm;

    SIGILLO_ASSIGN(const auto policy, activation::Policy::parse(request.policy, parts_.limits.policy));
    SIGILLO_TRY(activation::check_class(policy, credential_class));

    if (request.certificate_source != "embedded" && request.certificate_source != "csr")
        return fail(Errc::kInvalidArgument, "embedded or csr", "certificate.source");
    if (credential_class == record::CLASS_QUALIFIED && request.certificate_source != "csr")
        return fail(Errc::kInvalidArgument,
                    "the embedded CA issues nothing qualified: use source csr and import the certificate",
                    "certificate.source");
    if (request.multisign > parts_.limits.multisign_most)
        return fail(Errc::kLimitExceeded, "at most " + std::to_string(parts_.limits.multisign_most),
                    "multisign");

    record::Credential& record = plan.record;
    record.set_tenant(request.tenant);
    record.set_signer_id(request.signer.str());
    record.set_client_id(request.client.str());
    record.set_class_(credential_class);
    record.set_policy(policy.text());
    record.set_key_algorithm(std::string(key_algorithm_name(*algorithm)));
    record.set_certificate_source(request.certificate_source);
    record.set_multisign(request.multisign == 0 ? parts_.limits.multisign_default : request.multisign);
    record.set_created_ms(unix_millis(parts_.ledger.clock().now()));
    record.set_pin_sealed(policy.seals_key());

    SIGILLO_ASSIGN(const SignerInfo signer, parts_.signers.get(request.tenant, request.signer));
    plan.subject = subject_of(signer);
    SIGILLO_TRY(parts_.ledger.view([&](ReadTransaction& txn) { return bind_factors(txn, request, plan); }));
    return plan;
}

// Which factor serves which word: the one that was named, else the signer's only one of that type.
Status Credentials::bind_factors(ReadTransaction& txn, const CreateCredentialRequest& request, Plan& plan) {
    SIGILLO_ASSIGN(const auto policy,
                   activation::Policy::parse(plan.record.policy(), activation::kStoredPolicyLimits));
    for (const auto& [word, id] : request.factors) {
        SIGILLO_ASSIGN(const auto type, activation::factor_from_word(word, "factors"));
        if (!policy.words().contains(type) || !activation::authenticates(type))
            return fail(Errc::kInvalidArgument, "the policy has no factor " + word + " to be named",
                        "factors");
    }
    std::map<std::string, std::vector<std::string>> enrolled;
    std::vector<std::string> ids;
    SIGILLO_TRY(txn.scan(tables::kFactorsBySigner.space, as_bytes(request.signer.str()), {},
                         [&](ByteView key, ByteView) -> Result<bool> {
                             ids.emplace_back(as_text(key.subspan(request.signer.str().size())));
                             return true;
                         }));
    for (const std::string& id : ids) {
        SIGILLO_ASSIGN(const auto factor, load(txn, parts_.ledger.codec(), tables::kFactors, key_of(id)));
        if (factor && !factor->value.deleted() && factor->value.signer_id() == request.signer.str())
            enrolled[factor->value.type()].push_back(id);
    }
    plan.record.clear_factors();
    for (const auto type : policy.words().members()) {
        if (!activation::authenticates(type)) continue;
        const std::string word(activation::factor_word(type));
        const std::vector<std::string>& candidates = enrolled[word];
        std::string chosen;
        if (const auto named = request.factors.find(word); named != request.factors.end()) {
            if (std::ranges::find(candidates, named->second) == candidates.end())
                return fail(Errc::kNotFound, "the signer has no factor " + word + " of this id", "factors");
            chosen = named->second;
        } else if (candidates.size() == 1) {
            chosen = candidates.front();
        } else {
            return fail(Errc::kConflict,
                        candidates.empty()
                            ? "the signer has no factor " + word + ": enrol one first"
                            : "the signer has several factors " + word + ": name one in factors",
                        "factors");
        }
        (*plan.record.mutable_factors())[word] = chosen;
        if (type == activation::FactorType::kPin) {
            SIGILLO_ASSIGN(const auto factor,
                           require(txn, parts_.ledger.codec(), tables::kFactors, key_of(chosen), "factors"));
            plan.pin_public_key = to_bytes(factor.value.pin().public_key());
        }
    }
    return {};
}

Status Credentials::certify(Plan& plan, const GeneratedKey& key, CreatedCredential& answer) {
    record::Credential& record = plan.record;
    if (record.certificate_source() == "embedded") {
        SIGILLO_ASSIGN(const IssuedCertificate issued,
                       parts_.authority.ca().issue(key.public_key, plan.subject,
                                                   record.class_() == record::CLASS_SIMPLE
                                                       ? CertificateClass::kSimple
                                                       : CertificateClass::kAdvanced));
        SIGILLO_ASSIGN(const Bytes serial, serial_bytes(issued.serial_hex));
        const Bytes& ca = parts_.authority.certificate();
        record.add_chain(issued.der.data(), issued.der.size());
        record.add_chain(ca.data(), ca.size());
        record.set_certificate_serial(serial.data(), serial.size());
        record.set_not_before_ms(unix_millis(issued.not_before));
        record.set_not_after_ms(unix_millis(issued.not_after));
        record.set_status(record::STATUS_ACTIVE);
        return {};
    }
    // The request proves possession: the new key signs it, once, before a PIN seals it.
    SIGILLO_ASSIGN(auto signing_key, parts_.keys.unwrap(key.wrapped, key.public_key));
    SIGILLO_ASSIGN(answer.csr, make_certificate_request(parts_.provider, std::move(signing_key), plan.subject,
                                                        parts_.limits.subject));
    record.set_status(record::STATUS_PENDING);
    return {};
}

Result<CreatedCredential> Credentials::create(const CreateCredentialRequest& request,
                                              const OnCredentialCreated& in_transaction) {
    SIGILLO_ASSIGN(Plan plan, this->plan(request));
    SIGILLO_ASSIGN(GeneratedKey key, parts_.keys.generate(plan.algorithm));
    CreatedCredential answer{plan.id, {}};
    SIGILLO_TRY(certify(plan, key, answer));
    if (plan.record.pin_sealed()) {
        SIGILLO_ASSIGN(key.wrapped.blob,
                       activation::seal_to(plan.pin_public_key, key.wrapped.blob, plan.id, parts_.random));
    }
    plan.record.set_spki(key.public_key.spki.data(), key.public_key.spki.size());
    plan.record.set_wrap_scheme(key.wrapped.scheme);
    plan.record.set_wrapped_key(key.wrapped.blob.data(), key.wrapped.blob.size());

    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        // A factor deleted while the key was made must not be bound.
        for (const auto& [word, factor_id] : plan.record.factors()) {
            SIGILLO_ASSIGN(const auto factor,
                           recorder.require(tables::kFactors, key_of(factor_id), "factors"));
            if (factor.value.deleted())
                return fail(Errc::kNotFound, "the factor " + word + " was deleted", "factors");
        }
        SIGILLO_TRY(recorder.create(tables::kCredentials, key_of(plan.id.str()), plan.record));
        SIGILLO_TRY(
            recorder.create(tables::kCredentialStates, key_of(plan.id.str()), record::CredentialState()));
        SIGILLO_TRY(recorder.create(tables::kCredentialsBySigner, key_of(request.signer.str(), plan.id.str()),
                                    record::Empty()));
        SIGILLO_TRY(recorder.create(tables::kCredentialsByTenant, tenant_key(request.tenant, plan.id.str()),
                                    record::Empty()));
        if (plan.record.certificate_source() == "embedded")
            SIGILLO_TRY(note_issued(recorder, as_bytes(plan.record.certificate_serial()), kIssuedToCredential,
                                    plan.id.str(), plan.record.not_after_ms()));
        audit::Event event = recorder.event("credential.created");
        event.set("credential", plan.id.str())
            .set("signer", request.signer.str())
            .set("tenant", request.tenant)
            .set("client", request.client.str())
            .set("class", class_name(plan.record.class_()))
            .set("policy", plan.record.policy())
            .set("key_algorithm", plan.record.key_algorithm())
            .set_base64("spki_sha256", ByteView(sha256(key.public_key.spki)));
        if (plan.record.chain_size() > 0)
            event.set_base64("certificate_sha256", ByteView(sha256(as_bytes(plan.record.chain(0)))));
        SIGILLO_TRY(recorder.log(std::move(event)));
        if (in_transaction) SIGILLO_TRY(in_transaction(recorder, answer));
        return {};
    }));
    return answer;
}

}  // namespace sigillo::issuance
