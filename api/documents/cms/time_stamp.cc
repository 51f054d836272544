#include "api/documents/cms/time_stamp.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/oids.h"
#include "api/documents/cms/signed_attributes.h"
#include "api/documents/cms/signed_data.h"

namespace sigillo::cms {
namespace {

std::unexpected<Error> refuse(std::string detail, Errc code = Errc::kInvalidArgument) {
    return fail(code, "time-stamp token: " + std::move(detail), "token");
}

// RFC 3161 §2.3: "the certificate MUST contain only one instance of the extended key usage field extension …
// with KeyPurposeID having value: id-kp-timeStamping. This extension MUST be critical."
bool stamps_alone(const X509* certificate) {
    int critical = -1;
    const std::unique_ptr<EXTENDED_KEY_USAGE, Freed<EXTENDED_KEY_USAGE_free>> usages(
        static_cast<EXTENDED_KEY_USAGE*>(
            X509_get_ext_d2i(certificate, NID_ext_key_usage, &critical, nullptr)));
    return usages != nullptr && critical == 1 && sk_ASN1_OBJECT_num(usages.get()) == 1 &&
           OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), 0)) == NID_time_stamp;
}

Result<TimeStamp> parse_info(const SignedData& token, const Limits& limits) {
    if (!equal(token.content_type(), kIdTstInfo))
        return refuse("its content is no TSTInfo", Errc::kUnsupported);
    if (!token.content()) return refuse("it has no content");
    MemorySink sink(limits.max_token_bytes);
    if (!token.content()->copy_to(sink)) return refuse("its TSTInfo cannot be read");
    const auto info = parse_der<TstInfoPtr>(d2i_TS_TST_INFO, sink.take());
    if (info == nullptr) return refuse("its TSTInfo cannot be parsed");
    TS_MSG_IMPRINT* const imprint = TS_TST_INFO_get_msg_imprint(info.get());
    const auto hash = hash_from_oid(oid_text(TS_MSG_IMPRINT_get_algo(imprint)->algorithm));
    if (!hash) return refuse("its message imprint is not SHA-256, SHA-384 or SHA-512", Errc::kUnsupported);
    const auto digest = Digest::create(*hash, view_of(TS_MSG_IMPRINT_get_msg(imprint)));
    if (!digest) return refuse("its message imprint has the wrong length");
    const auto time = wall_time(TS_TST_INFO_get_time(info.get()));
    if (!time) return refuse("its genTime cannot be read");
    TimeStamp out(*digest);
    out.gen_time = *time;
    out.policy_oid = oid_text(TS_TST_INFO_get_policy_id(info.get()));
    out.serial_hex = serial_text(TS_TST_INFO_get_serial(info.get()));
    return out;
}

struct UnitCertificate {
    X509Ptr x509;  // null: found nowhere
    Bytes der;
};

// The certificate that the token's signer and its signing-certificate attributes name: one of those that
// libcrypto has parsed with the token, or of those beside it.
UnitCertificate find_signer(CMS_ContentInfo* token, CMS_SignerInfo* signer,
                            const SignedAttributes& attributes, std::span<const Bytes> extra) {
    const auto is_it = [&](X509* x509, ByteView der) {
        return CMS_SignerInfo_cert_cmp(signer, x509) == 0 &&
               std::ranges::all_of(
                   attributes.signing_certificates,
                   [&](const CertificateReference& reference) { return reference.names(der); });
    };
    const X509StackPtr inside(CMS_get1_certs(token));
    for (int i = 0; inside != nullptr && i < sk_X509_num(inside.get()); ++i) {
        X509* const x509 = sk_X509_value(inside.get(), i);
        Bytes der = encode_der<X509>(x509, i2d_X509);
        if (is_it(x509, der) && X509_up_ref(x509) == 1) return {X509Ptr(x509), std::move(der)};
    }
    for (const Bytes& der : extra)
        if (auto x509 = parse_der<X509Ptr>(d2i_X509, der); x509 != nullptr && is_it(x509.get(), der))
            return {std::move(x509), der};
    return {};
}

Status verify(ByteView token, const SignerInfo& raw, std::span<const Bytes> extra, TimeStamp& out,
              const Limits& limits) {
    auto attributes = parse_signed_attributes(raw.signed_attributes, limits);
    if (!attributes) return refuse(attributes.error().detail);
    if (attributes->signing_certificates.empty())
        return refuse("it has neither signing-certificate nor signing-certificate-v2");
    const auto cms = parse_der<CmsPtr>(d2i_CMS_ContentInfo, token);
    STACK_OF(CMS_SignerInfo)* const signers = cms != nullptr ? CMS_get0_SignerInfos(cms.get()) : nullptr;
    if (signers == nullptr || sk_CMS_SignerInfo_num(signers) != 1) return refuse("libcrypto cannot parse it");
    CMS_SignerInfo* const signer = sk_CMS_SignerInfo_value(signers, 0);
    auto [x509, der] = find_signer(cms.get(), signer, *attributes, extra);
    if (x509 == nullptr) return {};
    if (!stamps_alone(x509.get())) return refuse("its certificate is not one for time-stamping alone");
    CMS_SignerInfo_set1_signer_cert(signer, x509.get());
    constexpr unsigned kFlags = CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN | CMS_BINARY;
    const bool holds = CMS_verify(cms.get(), nullptr, nullptr, nullptr, nullptr, kFlags) == 1;
    ERR_clear_error();
    if (!holds) return refuse("its signature does not hold");
    out.signer = std::move(der);
    return {};
}

}  // namespace

Result<TimeStamp> read_time_stamp(ByteView token, std::span<const Bytes> extra, const Limits& limits) {
    if (token.size() > limits.max_token_bytes)
        return refuse("it has more than " + std::to_string(limits.max_token_bytes) + " octets",
                      Errc::kLimitExceeded);
    const auto data = SignedData::read(token, limits);
    if (!data) return refuse(data.error().detail, data.error().code);
    if (data->signers().size() != 1) return refuse("it has not exactly one signer");
    SIGILLO_ASSIGN(TimeStamp out, parse_info(*data, limits));
    out.certificates = data->certificates();
    SIGILLO_TRY(verify(token, data->signers().front(), extra, out, limits));
    return out;
}

}  // namespace sigillo::cms
