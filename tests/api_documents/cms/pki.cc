#include "tests/api_documents/cms/pki.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <map>
#include <stdexcept>

#include "api/documents/cms/der.h"
#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/oids.h"

namespace sigillo::cms::testing {
namespace {

void must(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

using TimePtr = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;
using GeneralTimePtr = std::unique_ptr<ASN1_GENERALIZEDTIME, Freed<ASN1_GENERALIZEDTIME_free>>;
using StackPtr =
    std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509) * s) { sk_X509_pop_free(s, X509_free); })>;

X509Ptr parse(ByteView der) {
    auto x509 = parse_der<X509Ptr>(d2i_X509, der);
    must(x509 != nullptr, "d2i_X509");
    return x509;
}

TimePtr time_of(WallTime time) {
    TimePtr out(ASN1_TIME_set(nullptr, unix_seconds(time)));
    must(out != nullptr, "ASN1_TIME_set");
    return out;
}

long next_serial() {
    static std::atomic<long> serial{0x5A0000};
    return ++serial;
}

void add_name(X509_NAME* out, const std::string& common_name) {
    const auto add = [&](const char* field, const std::string& value) {
        must(X509_NAME_add_entry_by_txt(out, field, MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(value.data()),
                                        static_cast<int>(value.size()), -1, 0) == 1,
             "X509_NAME_add_entry_by_txt");
    };
    add("C", "IT");
    add("O", "Sigillo tests");
    add("CN", common_name);
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value.c_str());
    X509_EXTENSION_free(extension);
}

std::string& base_url() {
    static std::string kBase = "http://pki.test";
    return kBase;
}

const EVP_MD* digest_for(const Key& key) {
    return EVP_PKEY_get_bits(key.get()) == 384 ? EVP_sha384() : EVP_sha256();
}

}  // namespace

const std::vector<KeyKind>& all_key_kinds() {
    static const std::vector<KeyKind> kAll{KeyKind::kRsa2048Pkcs1, KeyKind::kRsa3072Pss, KeyKind::kP256,
                                           KeyKind::kP384};
    return kAll;
}

std::string name_of(KeyKind kind) {
    switch (kind) {
        case KeyKind::kRsa2048Pkcs1:
            return "rsa2048";
        case KeyKind::kRsa3072Pss:
            return "rsa3072pss";
        case KeyKind::kP256:
            return "p256";
        case KeyKind::kP384:
            break;
    }
    return "p384";
}

SignatureScheme scheme_of(KeyKind kind) {
    switch (kind) {
        case KeyKind::kRsa2048Pkcs1:
            return {SignaturePadding::kPkcs1v15, HashAlgorithm::kSha256};
        case KeyKind::kRsa3072Pss:
            return {SignaturePadding::kPss, HashAlgorithm::kSha256};
        case KeyKind::kP256:
            return {SignaturePadding::kNone, HashAlgorithm::kSha256};
        case KeyKind::kP384:
            break;
    }
    return {SignaturePadding::kNone, HashAlgorithm::kSha384};
}

void EvpFree::operator()(EVP_PKEY* key) const {
    EVP_PKEY_free(key);
}

Key make_key(KeyKind kind) {
    EVP_PKEY* const key = kind == KeyKind::kRsa2048Pkcs1 ? EVP_RSA_gen(2048)
                          : kind == KeyKind::kRsa3072Pss ? EVP_RSA_gen(3072)
                          : kind == KeyKind::kP256       ? EVP_EC_gen("P-256")
                                                         : EVP_EC_gen("P-384");
    must(key != nullptr, "key generation");
    return {key, EvpFree()};
}

Identity issue(const IssueOptions& options, const Key& key, const Identity* issuer) {
    const WallTime now = SystemClock().now();
    const X509Ptr made(X509_new());
    X509Ptr parent;
    if (issuer != nullptr) parent = parse(issuer->certificate);
    X509* const above = parent != nullptr ? parent.get() : made.get();
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), next_serial());
    X509_set1_notBefore(made.get(), time_of(now + options.valid_from).get());
    X509_set1_notAfter(made.get(), time_of(now + options.valid_until).get());
    add_name(X509_get_subject_name(made.get()), options.common_name);
    X509_set_issuer_name(made.get(), X509_get_subject_name(above));
    X509_set_pubkey(made.get(), key.get());
    extend(made.get(), above, NID_basic_constraints, options.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(made.get(), above, NID_key_usage, options.ca ? "critical,keyCertSign,cRLSign" : options.key_usage);
    extend(made.get(), above, NID_subject_key_identifier, "hash");
    if (issuer != nullptr) extend(made.get(), above, NID_authority_key_identifier, "keyid");
    extend(made.get(), above, NID_ext_key_usage, options.extended_key_usage);
    extend(made.get(), above, NID_info_access, options.access);
    extend(made.get(), above, NID_crl_distribution_points, options.points);
    if (options.ocsp_no_check) extend(made.get(), above, NID_id_pkix_OCSP_noCheck, "ignored");
    const Key& signing = issuer != nullptr ? issuer->key : key;
    must(X509_sign(made.get(), signing.get(), digest_for(signing)) > 0, "X509_sign");
    return {key, encode_der(made.get(), i2d_X509)};
}

Bytes make_crl(const Identity& issuer, const CrlOptions& options) {
    const CrlPtr crl(X509_CRL_new());
    const X509Ptr parent = parse(issuer.certificate);
    X509_CRL_set_version(crl.get(), 1);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(parent.get()));
    X509_CRL_set1_lastUpdate(crl.get(), time_of(options.this_update).get());
    X509_CRL_set1_nextUpdate(crl.get(), time_of(options.next_update).get());
    for (const Bytes& der : options.revoked) {
        X509_REVOKED* const entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(parse(der).get()));
        X509_REVOKED_set_revocationDate(entry, time_of(options.revoked_at).get());
        const std::unique_ptr<ASN1_ENUMERATED, Freed<ASN1_ENUMERATED_free>> reason(ASN1_ENUMERATED_new());
        ASN1_ENUMERATED_set(reason.get(), CRL_REASON_KEY_COMPROMISE);
        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason.get(), 0, 0);
        X509_CRL_add0_revoked(crl.get(), entry);
    }
    const auto add = [&](int nid, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, parent.get(), nullptr, nullptr, crl.get(), 0);
        X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
        must(extension != nullptr && X509_CRL_add_ext(crl.get(), extension, -1) == 1, value.c_str());
        X509_EXTENSION_free(extension);
    };
    const std::unique_ptr<ASN1_INTEGER, Freed<ASN1_INTEGER_free>> number(ASN1_INTEGER_new());
    ASN1_INTEGER_set(number.get(), next_serial());
    X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, number.get(), 0, 0);
    if (options.delta) X509_CRL_add1_ext_i2d(crl.get(), NID_delta_crl, number.get(), 1, 0);
    add(NID_authority_key_identifier, "keyid");
    if (!options.issuing_point.empty()) add(NID_issuing_distribution_point, options.issuing_point);
    X509_CRL_sort(crl.get());
    must(X509_CRL_sign(crl.get(), issuer.key.get(), digest_for(issuer.key)) > 0, "X509_CRL_sign");
    return encode_der(crl.get(), i2d_X509_CRL);
}

Bytes make_ocsp(ByteView certificate, const Identity& issuer, const Identity& responder,
                const OcspOptions& options) {
    const OcspBasicPtr basic(OCSP_BASICRESP_new());
    const X509Ptr about = parse(certificate);
    const X509Ptr parent = parse(issuer.certificate);
    const X509Ptr signer = parse(responder.certificate);
    const std::unique_ptr<OCSP_CERTID, Freed<OCSP_CERTID_free>> id(
        OCSP_cert_to_id(EVP_sha1(), about.get(), parent.get()));
    const TimePtr this_update = time_of(options.this_update);
    const TimePtr next_update = options.next_update ? time_of(*options.next_update) : nullptr;
    const TimePtr revoked_at = options.revoked_at ? time_of(*options.revoked_at) : nullptr;
    must(OCSP_basic_add1_status(basic.get(), id.get(), options.status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                revoked_at.get(), this_update.get(), next_update.get()) != nullptr,
         "OCSP_basic_add1_status");
    // libcrypto would write the present: OCSP_NOTIME leaves what is there.
    auto* const produced = const_cast<ASN1_GENERALIZEDTIME*>(OCSP_resp_get0_produced_at(basic.get()));
    must(ASN1_GENERALIZEDTIME_set(produced, unix_seconds(options.produced_at)) != nullptr, "producedAt");
    const unsigned long flags = OCSP_NOTIME | (options.with_certificate ? 0U : unsigned{OCSP_NOCERTS});
    must(OCSP_basic_sign(basic.get(), signer.get(), responder.key.get(), digest_for(responder.key), nullptr,
                         flags) == 1,
         "OCSP_basic_sign");
    const OcspResponsePtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    must(response != nullptr, "OCSP_response_create");
    return encode_der(response.get(), i2d_OCSP_RESPONSE);
}

Bytes make_token(const Digest& imprint, const Identity& unit, const std::vector<Bytes>& chain,
                 WallTime time) {
    const std::unique_ptr<TS_REQ, Freed<TS_REQ_free>> request(TS_REQ_new());
    const std::unique_ptr<TS_MSG_IMPRINT, Freed<TS_MSG_IMPRINT_free>> message(TS_MSG_IMPRINT_new());
    const std::unique_ptr<X509_ALGOR, Freed<X509_ALGOR_free>> algorithm(X509_ALGOR_new());
    X509_ALGOR_set0(algorithm.get(), OBJ_txt2obj(std::string(hash_oid(imprint.algorithm())).c_str(), 1),
                    V_ASN1_UNDEF, nullptr);
    TS_MSG_IMPRINT_set_algo(message.get(), algorithm.get());
    Bytes digest = to_bytes(imprint.bytes());
    TS_MSG_IMPRINT_set_msg(message.get(), digest.data(), static_cast<int>(digest.size()));
    TS_REQ_set_version(request.get(), 1);
    TS_REQ_set_msg_imprint(request.get(), message.get());
    TS_REQ_set_cert_req(request.get(), 1);
    const BioPtr bio(BIO_new(BIO_s_mem()));
    i2d_TS_REQ_bio(bio.get(), request.get());

    const std::unique_ptr<TS_RESP_CTX, Freed<TS_RESP_CTX_free>> context(TS_RESP_CTX_new());
    TS_RESP_CTX_set_signer_cert(context.get(), parse(unit.certificate).get());
    TS_RESP_CTX_set_signer_key(context.get(), unit.key.get());
    TS_RESP_CTX_set_signer_digest(context.get(), EVP_sha256());
    TS_RESP_CTX_set_ess_cert_id_digest(context.get(), EVP_sha256());
    const StackPtr certificates(sk_X509_new_null());
    for (const Bytes& der : chain) sk_X509_push(certificates.get(), parse(der).release());
    TS_RESP_CTX_set_certs(context.get(), certificates.get());
    const std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>> policy(OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1));
    TS_RESP_CTX_set_def_policy(context.get(), policy.get());
    TS_RESP_CTX_add_md(context.get(), EVP_sha256());
    TS_RESP_CTX_add_md(context.get(), EVP_sha384());
    TS_RESP_CTX_add_md(context.get(), EVP_sha512());
    TS_RESP_CTX_set_serial_cb(
        context.get(),
        [](TS_RESP_CTX*, void*) {
            ASN1_INTEGER* const serial = ASN1_INTEGER_new();
            ASN1_INTEGER_set(serial, next_serial());
            return serial;
        },
        nullptr);
    WallTime when = time;
    TS_RESP_CTX_set_time_cb(
        context.get(),
        [](TS_RESP_CTX*, void* data, long* seconds, long* microseconds) {
            *seconds = unix_seconds(*static_cast<WallTime*>(data));
            *microseconds = 0;
            return 1;
        },
        &when);
    const std::unique_ptr<TS_RESP, Freed<TS_RESP_free>> response(
        TS_RESP_create_response(context.get(), bio.get()));
    must(response != nullptr && TS_RESP_get_token(response.get()) != nullptr, "TS_RESP_create_response");
    return encode_der(TS_RESP_get_token(response.get()), i2d_PKCS7);
}

std::string pem_of(ByteView certificate) {
    const BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), parse(certificate).get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

Pki::Pki() {
    const auto authority = [](const std::string& name, const Identity* issuer) {
        IssueOptions options;
        options.common_name = name;
        options.ca = true;
        options.valid_from = -std::chrono::days(100);
        options.valid_until = std::chrono::days(3'650);
        if (issuer != nullptr) options.points = "URI:" + base_url() + "/root.crl";
        return issue(options, make_key(KeyKind::kP256), issuer);
    };
    root = authority("Test Root", nullptr);
    ca = authority("Test CA", &root);
    tsa_ca = authority("Test TSA CA", &root);
    IssueOptions stamping;
    stamping.common_name = "Test TSU";
    stamping.key_usage = "critical,digitalSignature";
    stamping.extended_key_usage = "critical,timeStamping";
    stamping.points = "URI:" + base_url() + "/tsa.crl";
    unit = issue(stamping, make_key(KeyKind::kP256), &tsa_ca);
    IssueOptions answering;
    answering.common_name = "Test OCSP responder";
    answering.key_usage = "critical,digitalSignature";
    answering.extended_key_usage = "OCSPSigning";
    answering.ocsp_no_check = true;
    responder = issue(answering, make_key(KeyKind::kP256), &ca);
}

Identity Pki::signer(KeyKind kind) const {
    static std::map<KeyKind, Identity> made;
    const auto [at, fresh] = made.try_emplace(kind);
    if (fresh) {
        IssueOptions options;
        options.common_name = "Signer " + name_of(kind);
        options.access = "OCSP;URI:" + base_url() + "/ocsp,caIssuers;URI:" + base_url() + "/ca.crt";
        options.points = "URI:" + base_url() + "/ca.crl";
        at->second = issue(options, make_key(kind), &ca);
    }
    return at->second;
}

Bytes Pki::token(const Digest& imprint, WallTime time) const {
    return make_token(imprint, unit, {unit.certificate, tsa_ca.certificate}, time);
}

void use_base_url(const std::string& url) {
    base_url() = url;
}

const Pki& pki() {
    static const Pki kPki;
    return kPki;
}

Bytes make_attributes(const Digest& message, ByteView certificate, const AttributeOptions& options) {
    std::vector<Bytes> all;
    const auto add = [&](ByteView type, const Bytes& value) {
        all.push_back(der_element(kDerSequence, {type, der_element(kDerSet, {value})}));
    };
    const Bytes content_type = options.content_type.value_or(to_bytes(kIdData));
    if (!content_type.empty()) add(kIdContentType, content_type);
    add(kIdMessageDigest, der_element(kDerOctetString, {message.bytes()}));
    if (options.signing_time)
        add(kIdSigningTime,
            der_element(kDerUtcTime, {as_bytes(generalized_time(*options.signing_time).substr(2))}));
    if (options.algorithm_protection) add(kIdAlgorithmProtection, *options.algorithm_protection);
    if (options.signing_certificate) {
        const Bytes hash = der_element(kDerOctetString, {sha256(certificate)});
        add(kIdSigningCertificateV2,
            der_element(kDerSequence, {der_element(kDerSequence, {der_element(kDerSequence, {hash})})}));
    }
    return der_set_of(kDerSet, all);
}

Bytes sign(const Identity& identity, SignatureScheme scheme, ByteView message) {
    const std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    const EVP_MD* const hash = EVP_get_digestbyname(std::string(hash_name(scheme.hash)).c_str());
    must(EVP_DigestSignInit(context.get(), &parameters, hash, nullptr, identity.key.get()) == 1, "sign");
    if (scheme.padding == SignaturePadding::kPss)
        must(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1,
             "PSS");
    std::size_t size = 0;
    must(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1, "sign");
    Bytes signature(size);
    must(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1, "sign");
    signature.resize(size);
    return signature;
}

}  // namespace sigillo::cms::testing
