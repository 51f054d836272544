#include "tsa/token_template.h"

#include <algorithm>
#include <ranges>
#include <vector>

#include "appliance/base/der.h"
#include "appliance/base/digest.h"
#include "keystore/algorithm_identifiers.h"
#include "tsa/unit_algorithms.h"

namespace sigillo::tsa {
namespace {

// Whole elements. RFC 5652 §5.1, §11.1, §11.2; RFC 3161 §2.4.2; RFC 5035 §3.
constexpr std::uint8_t kSignedData[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02};
constexpr std::uint8_t kTstInfo[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                     0x0D, 0x01, 0x09, 0x10, 0x01, 0x04};
constexpr std::uint8_t kContentType[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x03};
constexpr std::uint8_t kMessageDigest[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04};
constexpr std::uint8_t kSigningCertificateV2[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                                  0x0D, 0x01, 0x09, 0x10, 0x02, 0x2F};
constexpr std::uint8_t kGranted[] = {0x30, 0x03, 0x02, 0x01, 0x00};  // PKIStatusInfo { 0 }
constexpr std::uint64_t kSignedDataVersion = 3;  // RFC 5652 §5.1: eContentType is not id-data
constexpr std::uint64_t kSignerInfoVersion = 1;  // §5.3: issuerAndSerialNumber

// Attribute ::= SEQUENCE { attrType, attrValues SET OF } with the one value that `der` holds.
Bytes attribute(ByteView type, ByteView value) {
    DerWriter der(64 + value.size());
    der.element(kDerSet, value);
    der.raw(type);
    return der.close(kDerSequence, 0).finish();
}

// SigningCertificateV2 { certs { ESSCertIDv2 { certHash } } }: SHA-256 is the default of hashAlgorithm and so
// left out; issuerSerial would repeat the sid (RFC 5035 §4).
Bytes signing_certificate(ByteView certificate) {
    DerWriter der(64);
    der.element(kDerOctetString, sha256(certificate));
    der.close(kDerSequence, 0).close(kDerSequence, 0).close(kDerSequence, 0);
    return der.finish();
}

// X.690 §11.6: the elements of a SET OF are in the order of their encodings.
Bytes set_of(std::vector<Bytes> elements, std::uint8_t tag) {
    std::ranges::sort(elements);
    DerWriter der(4096);
    for (const Bytes& element : elements | std::views::reverse) der.raw(element);
    return der.close(tag, 0).finish();
}

bool issued_itself(ByteView certificate) {
    DerReader outer(certificate);
    DerReader tbs(outer.next(kDerSequence).value_or(DerElement{}).content);
    DerReader fields(tbs.next(kDerSequence).value_or(DerElement{}).content);
    (void)fields.next(der_context(0));  // version
    (void)fields.next(kDerInteger);     // serialNumber
    (void)fields.next(kDerSequence);    // signature
    const auto issuer = fields.next(kDerSequence);
    (void)fields.next(kDerSequence);  // validity
    const auto subject = fields.next(kDerSequence);
    return issuer && subject && equal(issuer->whole, subject->whole);
}

}  // namespace

TokenTemplate TokenTemplate::create(const UnitCertificate& leaf, std::span<const Bytes> chain,
                                    KeyAlgorithm key, HashAlgorithm hash) {
    TokenTemplate made;
    made.scheme_ = unit_scheme(key, hash);
    made.signature_algorithm_ = to_bytes(signature_algorithm(made.scheme_));

    const Bytes no_digest(digest_size(hash));
    DerWriter digest(80);
    digest.element(kDerOctetString, no_digest);
    const Bytes digest_attribute = attribute(kMessageDigest, digest.view());
    made.attributes_ = set_of({attribute(kContentType, kTstInfo), digest_attribute,
                               attribute(kSigningCertificateV2, signing_certificate(chain.front()))},
                              kDerSet);
    const auto found = std::ranges::search(made.attributes_, digest_attribute);
    made.digest_at_ = static_cast<std::size_t>(found.begin() - made.attributes_.begin()) +
                      digest_attribute.size() - no_digest.size();

    std::vector<Bytes> certificates(chain.begin(), chain.end());
    if (certificates.size() > 1 && issued_itself(certificates.back())) certificates.pop_back();
    made.certificates_ = set_of(std::move(certificates), der_context(0));
    made.digest_algorithms_ = set_of({to_bytes(digest_algorithm(hash))}, kDerSet);

    DerWriter prefix(512);
    prefix.raw(digest_algorithm(hash));
    const std::size_t sid = prefix.written();
    prefix.raw(leaf.serial).raw(leaf.issuer).close(kDerSequence, sid);
    made.signer_prefix_ = prefix.integer(kSignerInfoVersion).finish();

    // tsa [0] GeneralName: CHOICEs are tagged explicitly, as directoryName [4] Name is (RFC 5280 §4.2.1.6).
    DerWriter name(16 + leaf.subject.size());
    name.raw(leaf.subject).close(der_context(4), 0).close(der_context(0), 0);
    made.name_ = name.finish();
    return made;
}

Bytes TokenTemplate::signed_attributes(ByteView tst_info) const {
    Bytes attributes = attributes_;
    const Digest digest = digest_of(scheme_.hash, tst_info);
    std::ranges::copy(digest.bytes(), attributes.begin() + static_cast<std::ptrdiff_t>(digest_at_));
    return attributes;
}

Bytes TokenTemplate::response(ByteView tst_info, ByteView signed_attributes, ByteView signature,
                              bool certificates) const {
    constexpr std::size_t kHeaders = 128;
    DerWriter der(kHeaders + tst_info.size() + signed_attributes.size() + signature.size() +
                  signer_prefix_.size() + (certificates ? certificates_.size() : 0));
    der.element(kDerOctetString, signature);
    der.raw(signature_algorithm_);
    der.raw(signed_attributes.subspan(1)).byte(der_context(0));  // [0] IMPLICIT instead of SET OF
    der.raw(signer_prefix_);
    der.close(kDerSequence, 0).close(kDerSet, 0);
    if (certificates) der.raw(certificates_);
    const std::size_t content = der.written();
    der.element(kDerOctetString, tst_info).close(der_context(0), content).raw(kTstInfo);
    der.close(kDerSequence, content);
    der.raw(digest_algorithms_).integer(kSignedDataVersion);
    der.close(kDerSequence, 0).close(der_context(0), 0).raw(kSignedData);
    der.close(kDerSequence, 0).raw(kGranted).close(kDerSequence, 0);
    return der.finish();
}

}  // namespace sigillo::tsa
