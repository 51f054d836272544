#include "appliance/issuance/x509/certificate_facts.h"

#include <openssl/err.h>
#include <openssl/objects.h>

#include <algorithm>
#include <array>
#include <utility>

#include "appliance/base/text.h"
#include "appliance/issuance/x509/x509_internal.h"
#include "keystore/openssl/hsm_provider.h"

namespace sigillo {
namespace {

std::unexpected<Error> refuse(std::string detail) {
    ERR_clear_error();
    return fail(Errc::kInvalidArgument, std::move(detail), "certificate");
}

template <class T, void (*Free)(T*)>
struct Extension {
    bool present = false;
    std::unique_ptr<T, FreeWith<Free>> value;  // null although present: malformed
};

template <class T, void (*Free)(T*)>
Extension<T, Free> extension(const X509* certificate, int nid) {
    Extension<T, Free> out;
    out.present = X509_get_ext_by_NID(certificate, nid, -1) >= 0;
    if (out.present) out.value.reset(static_cast<T*>(X509_get_ext_d2i(certificate, nid, nullptr, nullptr)));
    return out;
}

std::string print_name(const X509_NAME* name, unsigned long flags) {
    const BioHandle out(BIO_new(BIO_s_mem()));
    if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, flags) < 0) return {};
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::string rfc4514(const X509_NAME* name) {
    std::string text = print_name(name, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    // A string that says UTF8String and is none comes through as it is: then every octet is escaped.
    return count_utf8(text) ? text : print_name(name, XN_FLAG_RFC2253);
}

Result<std::string> serial_of(const X509* certificate) {
    const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
    const BignumHandle number(ASN1_INTEGER_to_BN(serial, nullptr));
    if (number == nullptr || BN_is_negative(number.get()) == 1 || BN_is_zero(number.get()) == 1)
        return refuse("serial number is not positive");
    if (BN_num_bytes(number.get()) > 20) return refuse("serial number is longer than 20 octets");
    char* text = BN_bn2hex(number.get());
    if (text == nullptr) return refuse("serial number cannot be read");
    std::string hex(text);
    OPENSSL_free(text);
    return hex;
}

std::uint16_t usage_bits(std::uint32_t usage) {
    constexpr std::array<std::pair<std::uint32_t, KeyUsageBit>, 9> kBits{
        {{KU_DIGITAL_SIGNATURE, kUsageDigitalSignature},
         {KU_NON_REPUDIATION, kUsageContentCommitment},
         {KU_KEY_ENCIPHERMENT, kUsageKeyEncipherment},
         {KU_DATA_ENCIPHERMENT, kUsageDataEncipherment},
         {KU_KEY_AGREEMENT, kUsageKeyAgreement},
         {KU_KEY_CERT_SIGN, kUsageCertificateSign},
         {KU_CRL_SIGN, kUsageCrlSign},
         {KU_ENCIPHER_ONLY, kUsageEncipherOnly},
         {KU_DECIPHER_ONLY, kUsageDecipherOnly}}};
    unsigned bits = 0;
    for (const auto& [theirs, ours] : kBits)
        if ((usage & theirs) != 0) bits |= ours;
    return static_cast<std::uint16_t>(bits);
}

Status read_key(X509* certificate, CertificateFacts& facts) {
    const EVP_PKEY* key = X509_get0_pubkey(certificate);
    if (key == nullptr) return refuse("public key cannot be parsed: " + take_libcrypto_reason());
    const X509_PUBKEY* info = X509_get_X509_PUBKEY(certificate);
    SIGILLO_ASSIGN(facts.spki, encode_der(info, i2d_X509_PUBKEY));
    facts.spki_sha256 = sha256(facts.spki);
    facts.key_bits = static_cast<unsigned>(EVP_PKEY_get_bits(key));
    facts.key_algorithm = algorithm_of(key);
    const char* type = EVP_PKEY_get0_type_name(key);
    facts.key_type = type != nullptr ? type : "unknown";
    std::array<char, 64> group{};
    if (EVP_PKEY_is_a(key, "EC") == 1) {
        if (has_explicit_curve(key))
            facts.key_type += " with explicit parameters";
        else if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1)
            facts.key_type += std::string(" ") + group.data();
    }
    return {};
}

Status read_extensions(X509* certificate, CertificateFacts& facts) {
    const int count = X509_get_ext_count(certificate);
    std::vector<std::string> seen;
    for (int i = 0; i < count; ++i) {
        X509_EXTENSION* const entry = X509_get_ext(certificate, i);
        const std::string oid = oid_text(X509_EXTENSION_get_object(entry));
        if (oid.empty()) return refuse("extension identifier cannot be read");
        if (std::find(seen.begin(), seen.end(), oid) != seen.end())
            return refuse("extension " + oid + " is there twice");
        seen.push_back(oid);
        const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(entry));
        // libcrypto does not know qcStatements; parse_qc_statements does.
        if (X509_EXTENSION_get_critical(entry) == 1 && X509_supported_extension(entry) != 1 &&
            nid != NID_qcStatements)
            facts.critical_unknown.push_back(oid);
        if (nid == NID_qcStatements) {
            const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(entry);
            SIGILLO_ASSIGN(facts.qualified,
                           parse_qc_statements({ASN1_STRING_get0_data(value),
                                                static_cast<std::size_t>(ASN1_STRING_length(value))}));
        }
    }
    return {};
}

Status read_usages(X509* certificate, CertificateFacts& facts) {
    // Reads and checks the extensions that path validation goes by.
    const std::uint32_t flags = X509_get_extension_flags(certificate);
    if ((flags & (EXFLAG_INVALID | EXFLAG_INVALID_POLICY)) != 0)
        return refuse("an extension is malformed: " + take_libcrypto_reason());
    if ((flags & EXFLAG_KUSAGE) != 0) facts.key_usage = usage_bits(X509_get_key_usage(certificate));
    const auto constraints =
        extension<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>(certificate, NID_basic_constraints);
    if (constraints.present) {
        if (constraints.value == nullptr) return refuse("basicConstraints is malformed");
        facts.is_ca = constraints.value->ca != 0;
        const long length = X509_get_pathlen(certificate);
        // RFC 5280 §4.2.1.9: a path length only where cA is asserted.
        if (constraints.value->pathlen != nullptr && !facts.is_ca)
            return refuse("basicConstraints has a path length but is no CA's");
        if (length >= 0) facts.path_length = static_cast<std::uint32_t>(length);
    }
    const auto purposes =
        extension<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>(certificate, NID_ext_key_usage);
    if (purposes.present) {
        if (purposes.value == nullptr) return refuse("extKeyUsage is malformed");
        for (int i = 0; i < sk_ASN1_OBJECT_num(purposes.value.get()); ++i)
            facts.extended_key_usage.push_back(oid_text(sk_ASN1_OBJECT_value(purposes.value.get(), i)));
    }
    const auto policies =
        extension<CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free>(certificate, NID_certificate_policies);
    if (policies.present) {
        if (policies.value == nullptr) return refuse("certificatePolicies is malformed");
        for (int i = 0; i < sk_POLICYINFO_num(policies.value.get()); ++i)
            facts.policies.push_back(oid_text(sk_POLICYINFO_value(policies.value.get(), i)->policyid));
    }
    return {};
}

}  // namespace

Result<X509Handle> parse_x509(ByteView der, const CertificateLimits& limits) {
    if (der.size() > limits.max_certificate_bytes)
        return fail(Errc::kLimitExceeded,
                    "certificate is longer than " + std::to_string(limits.max_certificate_bytes) + " octets",
                    "certificate");
    const unsigned char* cursor = der.data();
    X509Handle certificate(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
    if (certificate == nullptr) return refuse("not a DER certificate: " + take_libcrypto_reason());
    if (cursor != der.data() + der.size()) return refuse("bytes follow the certificate");
    const auto again = encode_der<X509>(certificate.get(), i2d_X509);
    if (!again || !equal(*again, der)) return refuse("not DER: another encoding of the same certificate");
    if (X509_get_version(certificate.get()) != X509_VERSION_3)
        return refuse("not an X.509 version 3 certificate");
    return certificate;
}

Result<CertificateFacts> facts_of(X509* certificate) {
    CertificateFacts facts;
    facts.issuer_dn = rfc4514(X509_get_issuer_name(certificate));
    facts.subject_dn = rfc4514(X509_get_subject_name(certificate));
    SIGILLO_ASSIGN(facts.serial_hex, serial_of(certificate));
    SIGILLO_ASSIGN(facts.not_before, wall_time_of(X509_get0_notBefore(certificate)));
    SIGILLO_ASSIGN(facts.not_after, wall_time_of(X509_get0_notAfter(certificate)));
    const X509_ALGOR* signature = X509_get0_tbs_sigalg(certificate);
    const ASN1_OBJECT* algorithm = nullptr;
    X509_ALGOR_get0(&algorithm, nullptr, nullptr, signature);
    facts.signature_oid = oid_text(algorithm);
    SIGILLO_TRY(read_key(certificate, facts));
    SIGILLO_TRY(read_extensions(certificate, facts));
    SIGILLO_TRY(read_usages(certificate, facts));
    ERR_clear_error();
    return facts;
}

Result<CertificateFacts> parse_certificate(ByteView der, const CertificateLimits& limits) {
    SIGILLO_ASSIGN(const X509Handle certificate, parse_x509(der, limits));
    return facts_of(certificate.get());
}

}  // namespace sigillo
