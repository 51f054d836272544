#include "api/documents/cms/extend.h"

#include "api/documents/cms/algorithms.h"
#include "api/documents/cms/archive.h"
#include "api/documents/cms/der.h"
#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/oids.h"
#include "api/documents/cms/signed_attributes.h"
#include "api/documents/cms/time_stamp.h"
#include "keystore/algorithm_identifiers.h"

namespace sigillo::cms {
namespace {

Status check_signer(const SignedData& document, std::size_t signer) {
    if (signer >= document.signers().size())
        return fail(Errc::kNotFound, "the document has no such signer", "signer");
    return {};
}

// A token whose signature was checked, by a unit whose certificate is known.
Result<TimeStamp> checked_stamp(const SignedData& document, ByteView token,
                                std::span<const Bytes> certificates, const Limits& limits) {
    std::vector<Bytes> known(certificates.begin(), certificates.end());
    known.insert(known.end(), document.certificates().begin(), document.certificates().end());
    SIGILLO_ASSIGN(TimeStamp stamp, read_time_stamp(token, known, limits));
    if (stamp.signer.empty())
        return fail(Errc::kInvalidArgument,
                    "time-stamp token: the certificate of its unit is neither in it nor in the document",
                    "token");
    return stamp;
}

Status check_imprint(const TimeStamp& stamp, const Digest& wanted) {
    if (stamp.imprint != wanted)
        return fail(Errc::kInvalidArgument, "time-stamp token: it is over something else", "token");
    return {};
}

Status check_room(const SignerInfo& signer, const Limits& limits) {
    if (signer.unsigned_attributes.size() >= limits.max_attributes)
        return fail(Errc::kLimitExceeded, "the signer has too many unsigned attributes", "document");
    return {};
}

// A signature without signed attributes is none of CAdES, and nothing would say what its content was.
Status check_content_digest(const SignerInfo& signer, const Digest& content_digest) {
    auto attributes = parse_signed_attributes(signer.signed_attributes, Limits());
    if (!attributes || attributes->message_digest.empty())
        return fail(Errc::kInvalidArgument, "the signature has no message-digest", "document");
    if (hash_of(signer.digest_algorithm) == content_digest.algorithm() &&
        !equal(attributes->message_digest, content_digest.bytes()))
        return fail(Errc::kInvalidArgument, "the content's digest is not the message-digest of the signature",
                    "content");
    return {};
}

// RFC 5940 §2.1: RevocationInfoChoice.other [1] { id-ri-ocsp-response, OCSPResponse }
Bytes other_revocation(ByteView ocsp) {
    return der_element(der_context(1), {kIdRiOcspResponse, ocsp});
}

Status check_material(const Material& material, const Limits& limits) {
    for (const Bytes& certificate : material.certificates) SIGILLO_TRY(read_certificate(certificate, limits));
    for (const Bytes& crl : material.crls) {
        if (crl.size() > limits.max_crl_bytes)
            return fail(Errc::kLimitExceeded, "a CRL has more octets than allowed", "crl");
        if (parse_der<CrlPtr>(d2i_X509_CRL, crl) == nullptr)
            return fail(Errc::kInvalidArgument, "a CRL cannot be parsed", "crl");
    }
    for (const Bytes& ocsp : material.ocsps) {
        if (ocsp.size() > limits.max_ocsp_bytes)
            return fail(Errc::kLimitExceeded, "an OCSP response has more octets than allowed", "ocsp");
        const auto parsed = parse_der<OcspResponsePtr>(d2i_OCSP_RESPONSE, ocsp);
        if (parsed == nullptr || OCSP_response_status(parsed.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
            return fail(Errc::kInvalidArgument, "an OCSP response cannot be parsed or holds no answer",
                        "ocsp");
    }
    return {};
}

}  // namespace

Status add_signature_time_stamp(SignedData& document, std::size_t signer, ByteView token,
                                std::span<const Bytes> certificates, const Limits& limits) {
    SIGILLO_TRY(refuse_old_archives(document));
    SIGILLO_TRY(check_signer(document, signer));
    SignerInfo& info = document.signers()[signer];
    SIGILLO_TRY(check_room(info, limits));
    SIGILLO_ASSIGN(const TimeStamp stamp, checked_stamp(document, token, certificates, limits));
    SIGILLO_TRY(check_imprint(stamp, digest_of(stamp.imprint.algorithm(), info.signature_value)));
    info.add_unsigned(Attribute::create(kIdSignatureTimeStamp, token));
    return {};
}

Status add_material(SignedData& document, const Material& material, const Limits& limits) {
    SIGILLO_TRY(refuse_old_archives(document));
    SIGILLO_TRY(check_material(material, limits));
    SignedData changed = document;
    for (const Bytes& certificate : material.certificates) changed.add_certificate(certificate);
    for (const Bytes& crl : material.crls) changed.add_revocation(crl);
    for (const Bytes& ocsp : material.ocsps) changed.add_revocation(other_revocation(ocsp));
    if (changed.certificates().size() > limits.max_certificates)
        return fail(Errc::kLimitExceeded, "the document would have too many certificates", "document");
    if (changed.revocations().size() > limits.max_revocations)
        return fail(Errc::kLimitExceeded, "the document would have too many CRLs and OCSP responses",
                    "document");
    document = std::move(changed);
    return {};
}

Result<ArchiveImprint> archive_imprint(const SignedData& document, std::size_t signer,
                                       const Digest& content_digest) {
    SIGILLO_TRY(refuse_old_archives(document));
    SIGILLO_TRY(check_signer(document, signer));
    const SignerInfo& info = document.signers()[signer];
    SIGILLO_TRY(check_content_digest(info, content_digest));
    Bytes index = hash_index(document, info, content_digest.algorithm());
    const Digest imprint = archive_message_imprint(document, info, content_digest, index);
    return ArchiveImprint{imprint, std::move(index)};
}

Status add_archive_time_stamp(SignedData& document, std::size_t signer, ByteView token,
                              const Digest& content_digest, std::span<const Bytes> certificates,
                              const Limits& limits) {
    SIGILLO_ASSIGN(const ArchiveImprint wanted, archive_imprint(document, signer, content_digest));
    SignerInfo& info = document.signers()[signer];
    SIGILLO_TRY(check_room(info, limits));
    SIGILLO_ASSIGN(const TimeStamp checked, checked_stamp(document, token, certificates, limits));
    SIGILLO_TRY(check_imprint(checked, wanted.imprint));
    SIGILLO_ASSIGN(SignedData stamp, SignedData::read(token, limits));
    if (!stamp.signers().front().unsigned_attributes.empty())
        return fail(Errc::kUnsupported, "time-stamp token: it has unsigned attributes already", "token");
    stamp.signers().front().add_unsigned(Attribute::create(kIdAtsHashIndexV3, wanted.hash_index));
    SIGILLO_ASSIGN(const Bytes carried, stamp.write(limits.max_token_bytes));
    info.add_unsigned(Attribute::create(kIdArchiveTimeStampV3, carried));
    // §5.5.3: the inclusion of the imprint's hash algorithm in SignedData.digestAlgorithms is recommended.
    document.add_digest_algorithm(digest_algorithm(content_digest.algorithm()));
    return {};
}

}  // namespace sigillo::cms
