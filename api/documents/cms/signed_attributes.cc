#include "api/documents/cms/signed_attributes.h"

#include <openssl/evp.h>
#include <openssl/objects.h>

#include <algorithm>

#include "api/documents/cms/ber.h"
#include "api/documents/cms/der.h"
#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/oids.h"

namespace sigillo::cms {
namespace {

constexpr auto kSha1 = oid_element<1, 3, 14, 3, 2, 26>();
constexpr auto kSha256 = oid_element<2, 16, 840, 1, 101, 3, 4, 2, 1>();

std::string dotted(ByteView oid) {
    using ObjectPtr = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>>;
    const auto object = parse_der<ObjectPtr>(d2i_ASN1_OBJECT, oid);
    return object != nullptr ? oid_text(object.get()) : std::string();
}

// SigningCertificate(V2) { certs SEQUENCE OF { hashAlgorithm DEFAULT?, certHash, issuerSerial OPTIONAL },
// policies? }
Result<CertificateReference> parse_reference(ByteView value, ByteView default_hash, const Limits& limits) {
    BerReader outer(value, limits);
    SIGILLO_ASSIGN(const BerPart signing, outer.next(kDerSequence, "SigningCertificate"));
    BerReader fields(signing.content, limits);
    SIGILLO_ASSIGN(const BerPart certs, fields.next(kDerSequence, "certs of SigningCertificate"));
    BerReader each(certs.content, limits);
    SIGILLO_ASSIGN(const BerPart first, each.next(kDerSequence, "ESSCertID"));
    BerReader id(first.content, limits);
    ByteView hash_oid = default_hash;
    BerPart algorithm;
    if (id.next_is(kDerSequence)) {
        SIGILLO_ASSIGN(algorithm, id.next());
        BerReader identifier(algorithm.content, limits);
        SIGILLO_ASSIGN(const BerPart oid, identifier.next(kDerOid, "hashAlgorithm of an ESSCertIDv2"));
        hash_oid = oid.whole;
    }
    SIGILLO_ASSIGN(const BerPart hash, id.next(kDerOctetString, "certHash"));
    return CertificateReference{dotted(hash_oid), to_bytes(hash.content)};
}

Result<WallTime> parse_time(ByteView value) {
    using TimePtr = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;
    const auto parsed = parse_der<TimePtr>(d2i_ASN1_TIME, value);
    const auto time = wall_time(parsed.get());
    if (!time) return fail(Errc::kInvalidArgument, "signing-time cannot be read");
    return *time;
}

// The attributes that may be there once, with one value each.
Status take_single(SignedAttributes& out, ByteView type, ByteView value, const Limits& limits) {
    BerReader reader(value, limits);
    if (equal(type, kIdContentType)) {
        if (!out.content_type.empty()) return fail(Errc::kInvalidArgument, "content-type is there twice");
        SIGILLO_ASSIGN(const BerPart oid, reader.next(kDerOid, "content-type"));
        out.content_type = to_bytes(oid.whole);
    } else if (equal(type, kIdMessageDigest)) {
        if (!out.message_digest.empty()) return fail(Errc::kInvalidArgument, "message-digest is there twice");
        SIGILLO_ASSIGN(const BerPart digest, reader.next(kDerOctetString, "message-digest"));
        out.message_digest = to_bytes(digest.content);
    } else if (equal(type, kIdSigningTime)) {
        if (out.signing_time) return fail(Errc::kInvalidArgument, "signing-time is there twice");
        SIGILLO_ASSIGN(out.signing_time, parse_time(value));
    } else if (equal(type, kIdAlgorithmProtection)) {
        if (!out.algorithm_protection.empty())
            return fail(Errc::kInvalidArgument, "CMSAlgorithmProtection is there twice");
        out.algorithm_protection = to_bytes(value);
    } else {
        const bool second = equal(type, kIdSigningCertificateV2);
        SIGILLO_ASSIGN(CertificateReference reference,
                       parse_reference(value, second ? ByteView(kSha256) : ByteView(kSha1), limits));
        out.signing_certificates.push_back(std::move(reference));
    }
    return {};
}

Status take(SignedAttributes& out, ByteView whole, const Limits& limits) {
    BerReader outer(whole, limits);
    SIGILLO_ASSIGN(const BerPart attribute, outer.next(kDerSequence, "Attribute"));
    BerReader fields(attribute.content, limits);
    SIGILLO_ASSIGN(const BerPart type, fields.next(kDerOid, "attrType"));
    SIGILLO_ASSIGN(const BerPart values, fields.next(kDerSet, "attrValues"));
    SIGILLO_TRY(fields.finish("Attribute"));
    const auto is = [&](ByteView oid) { return equal(type.whole, oid); };
    if (is(kIdContentTimeStamp)) {
        SIGILLO_ASSIGN(const std::vector<Bytes> tokens,
                       ber_elements(values.content, limits.max_attributes, "content time-stamps", limits));
        out.content_time_stamps.insert(out.content_time_stamps.end(), tokens.begin(), tokens.end());
        return {};
    }
    if (!is(kIdContentType) && !is(kIdMessageDigest) && !is(kIdSigningTime) && !is(kIdSigningCertificate) &&
        !is(kIdSigningCertificateV2) && !is(kIdAlgorithmProtection))
        return {};
    BerReader one(values.content, limits);
    SIGILLO_ASSIGN(const BerPart value, one.next());
    SIGILLO_TRY(one.finish("a signed attribute of one value"));
    return take_single(out, type.whole, value.whole, limits);
}

}  // namespace

bool CertificateReference::names(ByteView certificate) const {
    const EVP_MD* const algorithm = EVP_get_digestbynid(OBJ_txt2nid(hash_oid.c_str()));
    if (algorithm == nullptr || EVP_MD_get_size(algorithm) <= 0 ||
        static_cast<std::size_t>(EVP_MD_get_size(algorithm)) != hash.size())
        return false;
    Bytes digest(hash.size());
    return EVP_Digest(certificate.data(), certificate.size(), digest.data(), nullptr, algorithm, nullptr) ==
               1 &&
           digest == hash;
}

Result<SignedAttributes> parse_signed_attributes(ByteView set, const Limits& limits) {
    BerReader outer(set, limits);
    SIGILLO_ASSIGN(const BerPart all, outer.next());
    if (all.tag != kDerSet && all.tag != der_context(0))
        return fail(Errc::kInvalidArgument, "signed attributes are no SET");
    SIGILLO_TRY(outer.finish("the signed attributes"));
    SIGILLO_ASSIGN(const std::vector<Bytes> attributes,
                   ber_elements(all.content, limits.max_attributes, "signed attributes", limits));
    SignedAttributes out;
    out.in_order = std::ranges::is_sorted(attributes);
    for (const Bytes& attribute : attributes) SIGILLO_TRY(take(out, attribute, limits));
    return out;
}

}  // namespace sigillo::cms
