#include "api/documents/cms/assemble.h"

#include <algorithm>

#include "api/documents/cms/algorithms.h"
#include "api/documents/cms/archive.h"
#include "api/documents/cms/ber.h"
#include "api/documents/cms/der.h"
#include "api/documents/cms/extend.h"
#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/oids.h"
#include "api/documents/cms/signed_attributes.h"
#include "keystore/algorithm_identifiers.h"

namespace sigillo::cms {
namespace {

// RFC 5652 §10.2.4: issuer and serialNumber, as the certificate has them.
Result<Bytes> issuer_and_serial(ByteView certificate, const Limits& limits) {
    BerReader outer(certificate, limits);
    SIGILLO_ASSIGN(const BerPart whole, outer.next(kDerSequence, "Certificate"));
    BerReader parts(whole.content, limits);
    SIGILLO_ASSIGN(const BerPart tbs, parts.next(kDerSequence, "TBSCertificate"));
    BerReader fields(tbs.content, limits);
    if (fields.next_is(der_context(0))) SIGILLO_TRY(fields.next());  // version
    SIGILLO_ASSIGN(const BerPart serial, fields.next(kDerInteger, "serialNumber"));
    SIGILLO_TRY(fields.next(kDerSequence, "signature"));
    SIGILLO_ASSIGN(const BerPart issuer, fields.next(kDerSequence, "issuer"));
    return der_element(kDerSequence, {issuer.whole, serial.whole});
}

// RFC 6211 §2: what the SignerInfo says is what was signed, octet for octet, since verifiers compare so.
Bytes algorithm_protection(SignatureScheme scheme) {
    Bytes signature = to_bytes(signature_algorithm(scheme));
    signature.front() = der_context(1);  // IMPLICIT
    return der_element(kDerSequence, {digest_algorithm(scheme.hash), signature});
}

struct Checked {
    SignerInfo signer;
    SignedAttributes attributes;
};

Result<SignedAttributes> check_attributes(const SignatureParts& parts, const Limits& limits) {
    const auto refuse = [](std::string detail) {
        return fail(Errc::kInvalidArgument, std::move(detail), "signed_attributes");
    };
    if (parts.signed_attributes.size() > limits.max_signed_attributes_bytes)
        return fail(Errc::kLimitExceeded, "the signed attributes are too long", "signed_attributes");
    auto attributes = parse_signed_attributes(parts.signed_attributes, limits);
    if (!attributes) return refuse(attributes.error().detail);
    if (parts.signed_attributes.front() != kDerSet || !attributes->in_order)
        return refuse("the signed attributes are no SET OF in DER");
    if (attributes->content_type.empty()) return refuse("content-type is missing");
    if (attributes->message_digest.size() != digest_size(parts.scheme.hash))
        return refuse("message-digest is missing or of another hash than the signature's");
    if (attributes->signing_certificates.empty()) return refuse("signing-certificate-v2 is missing");
    if (!attributes->algorithm_protection.empty() &&
        attributes->algorithm_protection != algorithm_protection(parts.scheme))
        return refuse("CMSAlgorithmProtection names other algorithms than the signature's");
    for (const CertificateReference& reference : attributes->signing_certificates)
        if (!reference.names(parts.chain.front()))
            return refuse("signing-certificate-v2 names another certificate than the first of the chain");
    return attributes;
}

Result<Checked> check(const SignatureParts& parts, const Limits& limits) {
    if (parts.chain.empty()) return fail(Errc::kMissingArgument, "no certificate", "certificate");
    if (parts.chain.size() > limits.max_path)
        return fail(Errc::kLimitExceeded, "the chain has too many certificates", "certificate");
    SIGILLO_ASSIGN(const X509Ptr leaf, parse_certificate(parts.chain.front(), limits));
    for (std::size_t i = 1; i < parts.chain.size(); ++i)
        SIGILLO_TRY(parse_certificate(parts.chain[i], limits));
    SIGILLO_ASSIGN(SignedAttributes attributes, check_attributes(parts, limits));
    if (!signature_holds(X509_get0_pubkey(leaf.get()), parts.scheme, parts.signed_attributes,
                         parts.signature))
        return fail(Errc::kInvalidArgument,
                    "the signature does not hold over the signed attributes under the first certificate",
                    "signature");
    Checked out{{}, std::move(attributes)};
    out.signer.version = der_integer(1);  // RFC 5652 §5.3: issuerAndSerialNumber
    SIGILLO_ASSIGN(out.signer.sid, issuer_and_serial(parts.chain.front(), limits));
    out.signer.digest_algorithm = to_bytes(digest_algorithm(parts.scheme.hash));
    out.signer.signed_attributes = parts.signed_attributes;
    out.signer.signed_attributes.front() = der_context(0);
    out.signer.signature_algorithm = to_bytes(signature_algorithm(parts.scheme));
    out.signer.signature = der_element(kDerOctetString, {parts.signature});
    out.signer.signature_value = parts.signature;
    return out;
}

Status add(SignedData& document, Checked checked, const SignatureParts& parts, const Limits& limits) {
    if (document.content_type() != checked.attributes.content_type)
        return fail(Errc::kInvalidArgument, "content-type is another than the document's",
                    "signed_attributes");
    document.add_digest_algorithm(checked.signer.digest_algorithm);
    for (const Bytes& certificate : parts.chain) document.add_certificate(certificate);
    document.signers().push_back(std::move(checked.signer));
    if (parts.time_stamp.empty()) return {};
    return add_signature_time_stamp(document, document.signers().size() - 1, parts.time_stamp, {}, limits);
}

Status check_content(const Content& content, const Checked& checked, HashAlgorithm hash) {
    SIGILLO_ASSIGN(const Digest digest, content.digest(hash));
    if (!equal(digest.bytes(), checked.attributes.message_digest))
        return fail(Errc::kInvalidArgument, "the content's digest is not the message-digest that was signed",
                    "content");
    return {};
}

// Earlier signers of the same hash say what the content is.
Status check_earlier(const SignedData& document, const Checked& checked, HashAlgorithm hash,
                     const Limits& limits) {
    for (const SignerInfo& signer : document.signers()) {
        if (signer.signed_attributes.empty() || hash_of(signer.digest_algorithm) != hash) continue;
        const auto attributes = parse_signed_attributes(signer.signed_attributes, limits);
        if (attributes && !attributes->message_digest.empty() &&
            attributes->message_digest != checked.attributes.message_digest)
            return fail(Errc::kInvalidArgument, "an earlier signature of the document is over other content",
                        "content");
    }
    return {};
}

}  // namespace

Result<Bytes> assemble_detached(const SignatureParts& parts, const Limits& limits) {
    SIGILLO_ASSIGN(Checked checked, check(parts, limits));
    SignedData made = SignedData::empty(checked.attributes.content_type, std::nullopt);
    SIGILLO_TRY(add(made, std::move(checked), parts, limits));
    return made.write_detached();
}

Status assemble_attached(const SignatureParts& parts, const Content& content, ByteSink& out,
                         const Limits& limits) {
    SIGILLO_ASSIGN(Checked checked, check(parts, limits));
    if (content.size() > limits.max_content_bytes)
        return fail(Errc::kLimitExceeded, "the content has more octets than allowed", "content");
    SIGILLO_TRY(check_content(content, checked, parts.scheme.hash));
    SignedData made = SignedData::empty(checked.attributes.content_type, content);
    SIGILLO_TRY(add(made, std::move(checked), parts, limits));
    return made.write(out);
}

Status add_signature(SignedData& document, const SignatureParts& parts,
                     const std::optional<Digest>& content_digest, const Limits& limits) {
    SIGILLO_TRY(refuse_old_archives(document));
    if (document.signers().size() >= limits.max_signers)
        return fail(Errc::kLimitExceeded, "the document has too many signers already", "document");
    SIGILLO_ASSIGN(Checked checked, check(parts, limits));
    if (document.content()) {
        SIGILLO_TRY(check_content(*document.content(), checked, parts.scheme.hash));
    } else {
        if (!content_digest)
            return fail(Errc::kMissingArgument, "the content's digest is not given", "content");
        if (content_digest->algorithm() != parts.scheme.hash ||
            !equal(content_digest->bytes(), checked.attributes.message_digest))
            return fail(Errc::kInvalidArgument,
                        "the content's digest is not the message-digest that was signed", "content");
    }
    SIGILLO_TRY(check_earlier(document, checked, parts.scheme.hash, limits));
    const SignerId id = checked.signer.id();
    if (std::ranges::any_of(document.signers(), [&](const SignerInfo& signer) { return signer.id() == id; }))
        return fail(Errc::kAlreadyExists, "the document has this signature already", "signature");
    SignedData changed = document;
    SIGILLO_TRY(add(changed, std::move(checked), parts, limits));
    document = std::move(changed);
    return {};
}

}  // namespace sigillo::cms
