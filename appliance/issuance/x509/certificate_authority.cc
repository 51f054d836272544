#include "appliance/issuance/x509/certificate_authority.h"

#include <algorithm>
#include <array>
#include <utility>

#include "appliance/issuance/x509/certificate_authority_state.h"

namespace sigillo {
namespace {

Result<X509NameHandle> ca_name(const CertificateAuthorityConfig& config) {
    const Subject subject{.kind = SubjectKind::kAuthority,
                          .country = config.country,
                          .organization = config.organization,
                          .identifier = config.organization_identifier,
                          .common_name = config.common_name};
    return encode_subject(subject, config.subject);
}

// RFC 5280 §4.1.2.2: positive and at most 20 octets; 159 random bits.
Result<Asn1Integer> random_serial(Random& random) {
    std::array<std::uint8_t, 20> octets{};
    do {
        random.fill(octets);
        octets[0] &= 0x7FU;
    } while (std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; }));
    const BignumHandle number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
    Asn1Integer serial(number != nullptr ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
    if (serial == nullptr) return object_not_built("serial number");
    return serial;
}

struct Draft {
    const ASN1_INTEGER* serial;
    const X509_NAME* issuer;
    const X509_NAME* subject;
    WallTime not_before;
    WallTime not_after;
    const PublicKey& key;
};

Result<X509Handle> build(const HsmProvider& provider, const Draft& draft) {
    X509Handle made(X509_new_ex(provider.context(), nullptr));
    const Asn1Time from = asn1_time_of(draft.not_before);
    const Asn1Time until = asn1_time_of(draft.not_after);
    if (made == nullptr || from == nullptr || until == nullptr ||
        X509_set_version(made.get(), X509_VERSION_3) != 1 ||
        X509_set_serialNumber(made.get(), const_cast<ASN1_INTEGER*>(draft.serial)) != 1 ||
        X509_set_issuer_name(made.get(), draft.issuer) != 1 ||
        X509_set_subject_name(made.get(), draft.subject) != 1 ||
        X509_set1_notBefore(made.get(), from.get()) != 1 || X509_set1_notAfter(made.get(), until.get()) != 1)
        return object_not_built("certificate");
    SIGILLO_TRY(set_public_key(X509_get_X509_PUBKEY(made.get()), draft.key));
    return made;
}

Status add(X509* certificate, const X509ExtensionHandle& extension) {
    if (X509_add_ext(certificate, extension.get(), -1) != 1) return object_not_built("certificate");
    return {};
}

}  // namespace

std::unexpected<Error> object_not_built(std::string_view what) {
    return fail(Errc::kInternal, std::string(what) + " cannot be built: " + take_libcrypto_reason());
}

std::string serial_text(const ASN1_INTEGER* serial) {
    const BignumHandle number(ASN1_INTEGER_to_BN(serial, nullptr));
    char* text = number != nullptr ? BN_bn2hex(number.get()) : nullptr;
    std::string hex(text != nullptr ? text : "");
    OPENSSL_free(text);
    return hex;
}

CertificateAuthority::CertificateAuthority(std::unique_ptr<State> state) : state_(std::move(state)) {}
CertificateAuthority::~CertificateAuthority() = default;
const Bytes& CertificateAuthority::certificate() const {
    return state_->der;
}
const CertificateFacts& CertificateAuthority::facts() const {
    return state_->facts;
}
const CertificateAuthorityConfig& CertificateAuthority::config() const {
    return state_->config;
}

Result<Bytes> CertificateAuthority::make_ca_certificate(const HsmProvider& provider,
                                                        std::shared_ptr<SigningKey> key,
                                                        const CertificateAuthorityConfig& config,
                                                        const Clock& clock, Random& random) {
    SIGILLO_TRY(check_authority_config(config));
    SIGILLO_ASSIGN(const Signer signer, Signer::create(provider, key));
    const PublicKey& public_key = key->public_key();
    SIGILLO_ASSIGN(const X509NameHandle name, ca_name(config));
    SIGILLO_ASSIGN(const Asn1Integer serial, random_serial(random));
    const WallTime now = whole_seconds(clock.now());
    SIGILLO_ASSIGN(const X509Handle made, build(provider, {.serial = serial.get(),
                                                           .issuer = name.get(),
                                                           .subject = name.get(),
                                                           .not_before = now - config.backdate,
                                                           .not_after = now + config.ca_validity,
                                                           .key = public_key}));
    SIGILLO_ASSIGN(const Bytes identifier, key_identifier(public_key.spki));
    // EN 319 412-2 §4.3.2 leaves keyCertSign and cRLSign to the CA's key; no certificate of another CA below
    // it.
    SIGILLO_ASSIGN(const auto constraints, basic_constraints_extension(0));
    SIGILLO_ASSIGN(const auto usage, key_usage_extension(kUsageCertificateSign | kUsageCrlSign));
    SIGILLO_ASSIGN(const auto subject_key, subject_key_extension(identifier));
    for (const auto* extension : {&constraints, &usage, &subject_key})
        SIGILLO_TRY(add(made.get(), *extension));
    return sign_object(made.get(), X509_sign, i2d_X509, signer, "signing the CA certificate");
}

Result<std::unique_ptr<CertificateAuthority>> CertificateAuthority::create(
    const HsmProvider& provider, std::shared_ptr<SigningKey> key, ByteView ca_certificate,
    CertificateAuthorityConfig config, const Clock& clock, Random& random) {
    SIGILLO_TRY(check_authority_config(config));
    SIGILLO_ASSIGN(Signer signer, Signer::create(provider, key));
    auto parsed = parse_x509(ca_certificate, {});
    auto facts = parsed ? facts_of(parsed->get()) : Result<CertificateFacts>(std::unexpected(parsed.error()));
    if (!facts) return fail(Errc::kCorrupt, "the CA's certificate: " + facts.error().detail);
    if (facts->spki != key->public_key().spki)
        return fail(Errc::kCorrupt, "the CA's certificate belongs to another key than the HSM's");
    if (!facts->is_ca || !facts->key_usage ||
        (*facts->key_usage & (kUsageCertificateSign | kUsageCrlSign)) !=
            (kUsageCertificateSign | kUsageCrlSign))
        return fail(Errc::kCorrupt,
                    "the CA's certificate is not one of a CA that signs certificates and lists");

    if (!verify_signed(ca_certificate, signer, "the CA's certificate"))
        return fail(Errc::kCorrupt, "the CA's certificate is not signed by its own key");

    auto state = std::unique_ptr<State>(new State{.provider = provider,
                                                  .config = std::move(config),
                                                  .clock = clock,
                                                  .random = random,
                                                  .signer = std::move(signer)});
    state->der = to_bytes(ca_certificate);
    state->facts = *std::move(facts);
    state->certificate = *std::move(parsed);
    const ASN1_OCTET_STRING* identifier = X509_get0_subject_key_id(state->certificate.get());
    if (identifier == nullptr)
        return fail(Errc::kCorrupt, "the CA's certificate has no subjectKeyIdentifier");
    SIGILLO_ASSIGN(state->authority_key,
                   authority_key_extension({ASN1_STRING_get0_data(identifier),
                                            static_cast<std::size_t>(ASN1_STRING_length(identifier))}));
    SIGILLO_ASSIGN(state->natural_semantics, semantics_extension(Semantics::kNaturalPerson));
    SIGILLO_ASSIGN(state->legal_semantics, semantics_extension(Semantics::kLegalPerson));
    // EN 319 412-2 §4.3.2: a key whose use is a commitment is used for nothing else (type A). A simple
    // signature may serve to show who someone is as well (type B).
    SIGILLO_ASSIGN(state->advanced,
                   state->common_extensions(kUsageContentCommitment, state->config.policy_advanced));
    SIGILLO_ASSIGN(state->simple, state->common_extensions(kUsageDigitalSignature | kUsageContentCommitment,
                                                           state->config.policy_simple));
    // RFC 3161 §2.3: a time-stamping unit's key is for that alone.
    SIGILLO_ASSIGN(state->time_stamping,
                   state->common_extensions(kUsageDigitalSignature, state->config.policy_advanced));
    SIGILLO_ASSIGN(X509ExtensionHandle purpose, time_stamping_extension());
    state->time_stamping.push_back(std::move(purpose));
    // RFC 6960 §4.2.2.2: nothing that says where to ask about it.
    SIGILLO_ASSIGN(X509ExtensionHandle usage, key_usage_extension(kUsageDigitalSignature));
    SIGILLO_ASSIGN(X509ExtensionHandle ocsp_signing, ocsp_signing_extension());
    SIGILLO_ASSIGN(X509ExtensionHandle no_check, ocsp_no_check_extension());
    for (X509ExtensionHandle* extension : {&usage, &ocsp_signing, &no_check})
        state->ocsp_signing.push_back(std::move(*extension));
    return std::unique_ptr<CertificateAuthority>(new CertificateAuthority(std::move(state)));
}

Result<IssuedCertificate> CertificateAuthority::issue(const PublicKey& key, const Subject& subject,
                                                      CertificateClass certificate_class,
                                                      std::optional<std::chrono::seconds> validity) {
    State& s = *state_;
    if (key.algorithm == KeyAlgorithm::kEd25519)
        return fail(Errc::kInvalidArgument, "Ed25519 keys are not certified for signers", "key");
    const std::chrono::seconds span = validity.value_or(s.config.signer_validity);
    if (span <= std::chrono::seconds::zero())
        return fail(Errc::kInvalidArgument, "validity is not positive", "validity");
    SIGILLO_ASSIGN(const WallTime now, s.valid_now());
    if (subject.kind == SubjectKind::kAuthority)
        return fail(Errc::kInvalidArgument, "the embedded CA certifies no other CA", "subject");
    SIGILLO_ASSIGN(const X509NameHandle name, encode_subject(subject, s.config.subject));
    SIGILLO_TRY(parse_public_key(key));
    SIGILLO_ASSIGN(const Asn1Integer serial, random_serial(s.random));

    IssuedCertificate issued;
    issued.serial_hex = serial_text(serial.get());
    issued.not_before = std::max(now - s.config.backdate, s.facts.not_before);
    issued.not_after = std::min(now + span, s.facts.not_after);
    SIGILLO_ASSIGN(const X509Handle made, build(s.provider, {.serial = serial.get(),
                                                             .issuer = s.name(),
                                                             .subject = name.get(),
                                                             .not_before = issued.not_before,
                                                             .not_after = issued.not_after,
                                                             .key = key}));
    SIGILLO_ASSIGN(const Bytes identifier, key_identifier(key.spki));
    SIGILLO_ASSIGN(const auto subject_key, subject_key_extension(identifier));
    SIGILLO_TRY(add(made.get(), subject_key));
    SIGILLO_TRY(add(made.get(), s.authority_key));
    for (const auto& extension : certificate_class == CertificateClass::kAdvanced ? s.advanced : s.simple)
        SIGILLO_TRY(add(made.get(), extension));
    if (subject.identifier_is_semantic)
        SIGILLO_TRY(add(made.get(), subject.kind == SubjectKind::kNaturalPerson ? s.natural_semantics
                                                                                : s.legal_semantics));
    SIGILLO_ASSIGN(issued.der,
                   sign_object(made.get(), X509_sign, i2d_X509, s.signer, "signing a certificate"));
    return issued;
}

Result<IssuedCertificate> CertificateAuthority::issue_for_time_stamps(const PublicKey& key,
                                                                      const Subject& subject, WallTime from,
                                                                      WallTime until) {
    State& s = *state_;
    if (key.algorithm == KeyAlgorithm::kEd25519)
        return fail(Errc::kInvalidArgument, "time-stamping units have EC or RSA keys", "key");
    SIGILLO_ASSIGN(const WallTime now, s.valid_now());
    if (subject.kind == SubjectKind::kNaturalPerson)
        return fail(Errc::kInvalidArgument, "a time-stamping unit is a legal person's", "subject");
    SIGILLO_ASSIGN(const X509NameHandle name, encode_subject(subject, s.config.subject));
    SIGILLO_TRY(parse_public_key(key));
    SIGILLO_ASSIGN(const Asn1Integer serial, random_serial(s.random));

    IssuedCertificate issued;
    issued.serial_hex = serial_text(serial.get());
    issued.not_before = std::max(now - s.config.backdate, s.facts.not_before);
    issued.not_after = std::min(now + s.config.time_stamping_validity, s.facts.not_after);
    // EN 319 421 §7.6.7: the key ends before its certificate.
    if (until <= from || whole_seconds(until) >= issued.not_after)
        return fail(Errc::kInvalidArgument,
                    "the key would be used until " + rfc3339(until) + ", its certificate ends on " +
                        rfc3339(issued.not_after),
                    "validity");
    SIGILLO_ASSIGN(const X509Handle made, build(s.provider, {.serial = serial.get(),
                                                             .issuer = s.name(),
                                                             .subject = name.get(),
                                                             .not_before = issued.not_before,
                                                             .not_after = issued.not_after,
                                                             .key = key}));
    SIGILLO_ASSIGN(const Bytes identifier, key_identifier(key.spki));
    SIGILLO_ASSIGN(const auto subject_key, subject_key_extension(identifier));
    SIGILLO_ASSIGN(const auto period, key_usage_period_extension(from, until));
    SIGILLO_TRY(add(made.get(), subject_key));
    SIGILLO_TRY(add(made.get(), s.authority_key));
    for (const auto& extension : s.time_stamping) SIGILLO_TRY(add(made.get(), extension));
    SIGILLO_TRY(add(made.get(), period));
    SIGILLO_ASSIGN(issued.der,
                   sign_object(made.get(), X509_sign, i2d_X509, s.signer, "signing a unit's certificate"));
    return issued;
}

Result<IssuedCertificate> CertificateAuthority::issue_for_ocsp(const PublicKey& key) {
    State& s = *state_;
    if (key.algorithm == KeyAlgorithm::kEd25519)
        return fail(Errc::kInvalidArgument, "OCSP responders have EC or RSA keys", "key");
    SIGILLO_ASSIGN(const WallTime now, s.valid_now());
    const Subject subject{.kind = SubjectKind::kAuthority,
                          .country = s.config.country,
                          .organization = s.config.organization,
                          .identifier = s.config.organization_identifier,
                          .common_name = "OCSP responder"};
    SIGILLO_ASSIGN(const X509NameHandle name, encode_subject(subject, s.config.subject));
    SIGILLO_TRY(parse_public_key(key));
    SIGILLO_ASSIGN(const Asn1Integer serial, random_serial(s.random));

    IssuedCertificate issued;
    issued.serial_hex = serial_text(serial.get());
    issued.not_before = std::max(now - s.config.backdate, s.facts.not_before);
    issued.not_after = std::min(now + s.config.ocsp_signing_validity, s.facts.not_after);
    SIGILLO_ASSIGN(const X509Handle made, build(s.provider, {.serial = serial.get(),
                                                             .issuer = s.name(),
                                                             .subject = name.get(),
                                                             .not_before = issued.not_before,
                                                             .not_after = issued.not_after,
                                                             .key = key}));
    SIGILLO_ASSIGN(const Bytes identifier, key_identifier(key.spki));
    SIGILLO_ASSIGN(const auto subject_key, subject_key_extension(identifier));
    SIGILLO_TRY(add(made.get(), subject_key));
    SIGILLO_TRY(add(made.get(), s.authority_key));
    for (const auto& extension : s.ocsp_signing) SIGILLO_TRY(add(made.get(), extension));
    SIGILLO_ASSIGN(issued.der, sign_object(made.get(), X509_sign, i2d_X509, s.signer,
                                           "signing an OCSP responder's certificate"));
    return issued;
}

}  // namespace sigillo
