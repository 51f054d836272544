#include "appliance/issuance/x509/extensions.h"

#include <openssl/objects.h>

#include <array>

#include "appliance/base/der.h"
#include "appliance/base/digest.h"
#include "keystore/openssl/hsm_provider.h"

namespace sigillo {
namespace {

std::unexpected<Error> out_of_memory() {
    return fail(Errc::kInternal, "libcrypto is out of memory");
}

Result<X509ExtensionHandle> encode(int nid, int critical, void* value) {
    X509ExtensionHandle made(value != nullptr ? X509V3_EXT_i2d(nid, critical, value) : nullptr);
    if (made == nullptr)
        return fail(Errc::kInternal,
                    std::string("extension ") + OBJ_nid2sn(nid) + ": " + take_libcrypto_reason());
    return made;
}

Result<X509ExtensionHandle> encode_octets(int nid, int critical, ByteView value) {
    const Asn1OctetString octets(ASN1_OCTET_STRING_new());
    if (octets == nullptr ||
        ASN1_OCTET_STRING_set(octets.get(), value.data(), static_cast<int>(value.size())) != 1)
        return out_of_memory();
    X509ExtensionHandle made(X509_EXTENSION_create_by_NID(nullptr, nid, critical, octets.get()));
    if (made == nullptr) return out_of_memory();
    return made;
}

// extendedKeyUsage with one purpose.
Result<X509ExtensionHandle> purpose_extension(int nid, int critical) {
    const std::unique_ptr<EXTENDED_KEY_USAGE, FreeWith<EXTENDED_KEY_USAGE_free>> value(
        EXTENDED_KEY_USAGE_new());
    if (value == nullptr || sk_ASN1_OBJECT_push(value.get(), OBJ_nid2obj(nid)) <= 0) return out_of_memory();
    return encode(NID_ext_key_usage, critical, value.get());
}

GENERAL_NAME* url_name(const std::string& url) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    if (name == nullptr || text == nullptr ||
        ASN1_STRING_set(text, url.data(), static_cast<int>(url.size())) != 1) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(text);
        return nullptr;
    }
    GENERAL_NAME_set0_value(name, GEN_URI, text);
    return name;
}

bool add_access(AUTHORITY_INFO_ACCESS* list, int method, const std::string& url) {
    ACCESS_DESCRIPTION* access = ACCESS_DESCRIPTION_new();
    GENERAL_NAME* name = url_name(url);
    if (access == nullptr || name == nullptr) {
        ACCESS_DESCRIPTION_free(access);
        GENERAL_NAME_free(name);
        return false;
    }
    access->method = OBJ_nid2obj(method);
    GENERAL_NAME_free(access->location);
    access->location = name;
    if (sk_ACCESS_DESCRIPTION_push(list, access) > 0) return true;
    ACCESS_DESCRIPTION_free(access);
    return false;
}

}  // namespace

Result<Bytes> key_identifier(ByteView spki) {
    DerReader outer(spki);
    const auto sequence = outer.next(kDerSequence);
    DerReader fields(sequence.value_or(DerElement{}).content);
    const bool has_algorithm = fields.next(kDerSequence).has_value();
    const auto bits = fields.next(kDerBitString);
    if (!has_algorithm || !bits || bits->content.empty())
        return fail(Errc::kInvalidArgument, "SubjectPublicKeyInfo is not DER", "key");
    const Sha256Value digest = sha256(bits->content.subspan(1));  // without the count of unused bits
    return Bytes(digest.begin(), digest.begin() + 20);
}

Result<X509ExtensionHandle> basic_constraints_extension(long path_length) {
    const std::unique_ptr<BASIC_CONSTRAINTS, FreeWith<BASIC_CONSTRAINTS_free>> value(BASIC_CONSTRAINTS_new());
    if (value == nullptr) return out_of_memory();
    value->ca = 0xFF;
    value->pathlen = ASN1_INTEGER_new();
    if (value->pathlen == nullptr || ASN1_INTEGER_set(value->pathlen, path_length) != 1)
        return out_of_memory();
    return encode(NID_basic_constraints, 1, value.get());
}

Result<X509ExtensionHandle> key_usage_extension(std::uint16_t bits) {
    const std::unique_ptr<ASN1_BIT_STRING, FreeWith<ASN1_BIT_STRING_free>> value(ASN1_BIT_STRING_new());
    if (value == nullptr) return out_of_memory();
    for (int bit = 0; bit < 9; ++bit)
        if ((bits >> bit & 1) != 0 && ASN1_BIT_STRING_set_bit(value.get(), bit, 1) != 1)
            return out_of_memory();
    return encode(NID_key_usage, 1, value.get());
}

Result<X509ExtensionHandle> time_stamping_extension() {
    return purpose_extension(NID_time_stamp, 1);
}

Result<X509ExtensionHandle> ocsp_signing_extension() {
    return purpose_extension(NID_OCSP_sign, 0);
}

Result<X509ExtensionHandle> ocsp_no_check_extension() {
    constexpr std::array<std::uint8_t, 2> kNull{0x05, 0x00};
    return encode_octets(NID_id_pkix_OCSP_noCheck, 0, kNull);
}

Result<X509ExtensionHandle> key_usage_period_extension(WallTime from, WallTime until) {
    const std::unique_ptr<PKEY_USAGE_PERIOD, FreeWith<PKEY_USAGE_PERIOD_free>> value(PKEY_USAGE_PERIOD_new());
    if (value == nullptr) return out_of_memory();
    const auto generalized = [](WallTime time) {
        return ASN1_GENERALIZEDTIME_set(nullptr, static_cast<std::time_t>(unix_millis(time) / 1000));
    };
    value->notBefore = generalized(from);
    value->notAfter = generalized(until);
    if (value->notBefore == nullptr || value->notAfter == nullptr) return out_of_memory();
    return encode(NID_private_key_usage_period, 0, value.get());
}

Result<X509ExtensionHandle> subject_key_extension(ByteView identifier) {
    const Asn1OctetString value(ASN1_OCTET_STRING_new());
    if (value == nullptr ||
        ASN1_OCTET_STRING_set(value.get(), identifier.data(), static_cast<int>(identifier.size())) != 1)
        return out_of_memory();
    return encode(NID_subject_key_identifier, 0, value.get());
}

Result<X509ExtensionHandle> authority_key_extension(ByteView identifier) {
    const std::unique_ptr<AUTHORITY_KEYID, FreeWith<AUTHORITY_KEYID_free>> value(AUTHORITY_KEYID_new());
    if (value == nullptr) return out_of_memory();
    value->keyid = ASN1_OCTET_STRING_new();
    if (value->keyid == nullptr ||
        ASN1_OCTET_STRING_set(value->keyid, identifier.data(), static_cast<int>(identifier.size())) != 1)
        return out_of_memory();
    return encode(NID_authority_key_identifier, 0, value.get());
}

Result<X509ExtensionHandle> crl_distribution_extension(const std::string& url) {
    const std::unique_ptr<CRL_DIST_POINTS, FreeWith<CRL_DIST_POINTS_free>> list(CRL_DIST_POINTS_new());
    std::unique_ptr<DIST_POINT, FreeWith<DIST_POINT_free>> point(DIST_POINT_new());
    if (list == nullptr || point == nullptr) return out_of_memory();
    point->distpoint = DIST_POINT_NAME_new();
    if (point->distpoint == nullptr) return out_of_memory();
    point->distpoint->type = 0;  // fullName
    point->distpoint->name.fullname = GENERAL_NAMES_new();
    GENERAL_NAME* name = url_name(url);
    if (name == nullptr || point->distpoint->name.fullname == nullptr ||
        sk_GENERAL_NAME_push(point->distpoint->name.fullname, name) <= 0) {
        GENERAL_NAME_free(name);
        return out_of_memory();
    }
    if (sk_DIST_POINT_push(list.get(), point.get()) <= 0) return out_of_memory();
    (void)point.release();  // the list's now
    return encode(NID_crl_distribution_points, 0, list.get());
}

Result<X509ExtensionHandle> authority_information_extension(const std::string& ca_issuers_url,
                                                            const std::string& ocsp_url) {
    const std::unique_ptr<AUTHORITY_INFO_ACCESS, FreeWith<AUTHORITY_INFO_ACCESS_free>> list(
        AUTHORITY_INFO_ACCESS_new());
    if (list == nullptr || (!ocsp_url.empty() && !add_access(list.get(), NID_ad_OCSP, ocsp_url)) ||
        !add_access(list.get(), NID_ad_ca_issuers, ca_issuers_url))
        return out_of_memory();
    return encode(NID_info_access, 0, list.get());
}

Result<X509ExtensionHandle> policies_extension(const std::string& oid, const std::string& cps_url) {
    const std::unique_ptr<CERTIFICATEPOLICIES, FreeWith<CERTIFICATEPOLICIES_free>> list(
        CERTIFICATEPOLICIES_new());
    std::unique_ptr<POLICYINFO, FreeWith<POLICYINFO_free>> policy(POLICYINFO_new());
    if (list == nullptr || policy == nullptr) return out_of_memory();
    policy->policyid = OBJ_txt2obj(oid.c_str(), 1);
    if (policy->policyid == nullptr) {
        (void)take_libcrypto_reason();
        return fail(Errc::kInvalidArgument, "\"" + oid + "\" is not a dotted object identifier");
    }
    if (!cps_url.empty()) {
        std::unique_ptr<POLICYQUALINFO, FreeWith<POLICYQUALINFO_free>> qualifier(POLICYQUALINFO_new());
        policy->qualifiers = sk_POLICYQUALINFO_new_null();
        if (qualifier == nullptr || policy->qualifiers == nullptr) return out_of_memory();
        qualifier->pqualid = OBJ_nid2obj(NID_id_qt_cps);
        qualifier->d.cpsuri = ASN1_IA5STRING_new();
        if (qualifier->d.cpsuri == nullptr ||
            ASN1_STRING_set(qualifier->d.cpsuri, cps_url.data(), static_cast<int>(cps_url.size())) != 1 ||
            sk_POLICYQUALINFO_push(policy->qualifiers, qualifier.get()) <= 0)
            return out_of_memory();
        (void)qualifier.release();  // the policy's now
    }
    if (sk_POLICYINFO_push(list.get(), policy.get()) <= 0) return out_of_memory();
    (void)policy.release();  // the list's now
    return encode(NID_certificate_policies, 0, list.get());
}

Result<X509ExtensionHandle> semantics_extension(Semantics semantics) {
    // SEQUENCE { SEQUENCE { id-qcs-pkixQCSyntax-v2 (1.3.6.1.5.5.7.11.2),
    //                       SEQUENCE { id-etsi-qcs-SemanticsId-Natural or -Legal (0.4.0.194121.1.1 or .2) } }
    //                       }
    std::array<std::uint8_t, 25> der{0x30, 0x17, 0x30, 0x15, 0x06, 0x08, 0x2B, 0x06, 0x01,
                                     0x05, 0x05, 0x07, 0x0B, 0x02, 0x30, 0x09, 0x06, 0x07,
                                     0x04, 0x00, 0x8B, 0xEC, 0x49, 0x01, 0x01};
    if (semantics == Semantics::kLegalPerson) der.back() = 0x02;
    return encode_octets(NID_qcStatements, 0, der);
}

Result<X509ExtensionHandle> crl_number_extension(std::uint64_t number) {
    const Asn1Integer value(ASN1_INTEGER_new());
    if (value == nullptr || ASN1_INTEGER_set_uint64(value.get(), number) != 1) return out_of_memory();
    return encode(NID_crl_number, 0, value.get());
}

Result<X509ExtensionHandle> crl_reason_extension(int reason) {
    const std::unique_ptr<ASN1_ENUMERATED, FreeWith<ASN1_ENUMERATED_free>> value(ASN1_ENUMERATED_new());
    if (value == nullptr || ASN1_ENUMERATED_set(value.get(), reason) != 1) return out_of_memory();
    return encode(NID_crl_reason, 0, value.get());
}

}  // namespace sigillo
