#include "appliance/ades/signed_attributes.h"

#include "appliance/ades/attribute.h"
#include "appliance/base/der.h"
#include "keystore/algorithm_identifiers.h"

namespace sigillo::ades {
namespace {

// Whole OBJECT IDENTIFIERs: 1.2.840.113549.1.9.{3, 4, 5, 52}, 1.2.840.113549.1.9.16.2.47.
constexpr std::uint8_t kContentType[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x03};
constexpr std::uint8_t kMessageDigest[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04};
constexpr std::uint8_t kSigningTime[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x05};
constexpr std::uint8_t kAlgorithmProtection[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                                 0xF7, 0x0D, 0x01, 0x09, 0x34};
constexpr std::uint8_t kSigningCertificateV2[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                                  0x0D, 0x01, 0x09, 0x10, 0x02, 0x2F};
constexpr std::uint8_t kData[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01};

// SigningCertificateV2 { certs { ESSCertIDv2 { certHash } } }
Bytes signing_certificate(ByteView certificate) {
    DerWriter der(64);
    der.element(kDerOctetString, sha256(certificate));
    der.close(kDerSequence, 0).close(kDerSequence, 0).close(kDerSequence, 0);
    return der.finish();
}

// CMSAlgorithmProtection { digestAlgorithm, signatureAlgorithm [1] IMPLICIT } (RFC 6211 §2)
Bytes algorithm_protection(SignatureScheme scheme) {
    DerWriter der(128);
    const ByteView signature = signature_algorithm(scheme);
    der.raw(signature.subspan(1)).byte(der_context(1));
    der.raw(digest_algorithm(scheme.hash)).close(kDerSequence, 0);
    return der.finish();
}

Bytes octet_string(ByteView content) {
    DerWriter der(8 + content.size());
    return der.element(kDerOctetString, content).finish();
}

}  // namespace

Result<Bytes> encode_signing_time(WallTime time) {
    const std::string text = generalized_time(time);
    constexpr std::size_t kLength = 15;  // YYYYMMDDHHMMSSZ
    if (text.size() != kLength || text.front() == '-')
        return fail(Errc::kInvalidArgument, "a time that ASN.1 cannot say: " + text);
    const bool utc = text >= "1950" && text < "2050";
    DerWriter der(kLength + 2);
    der.element(utc ? kDerUtcTime : kDerGeneralizedTime,
                as_bytes(utc ? std::string_view(text).substr(2) : std::string_view(text)));
    return der.finish();
}

Result<Bytes> signed_attributes(const SignedContent& content) {
    if (content.message.algorithm() != content.scheme.hash)
        return fail(Errc::kInvalidArgument, "message digest and signature of different hashes", "signAlgo");
    if (content.certificate.empty()) return fail(Errc::kInvalidArgument, "no signing certificate");
    std::vector<Bytes> attributes = content.properties.attributes;
    attributes.push_back(attribute(kContentType, kData));
    attributes.push_back(attribute(kMessageDigest, octet_string(content.message.bytes())));
    attributes.push_back(attribute(kSigningCertificateV2, signing_certificate(content.certificate)));
    attributes.push_back(attribute(kAlgorithmProtection, algorithm_protection(content.scheme)));
    if (content.format == Format::kCades) {
        SIGILLO_ASSIGN(const Bytes time, encode_signing_time(content.signing_time));
        attributes.push_back(attribute(kSigningTime, time));
    }
    const Bytes all = set_of(std::move(attributes));
    DerWriter der(8 + all.size());
    return der.element(kDerSet, all).finish();
}

}  // namespace sigillo::ades
