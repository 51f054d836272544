#include "api/documents/cms/archive.h"

#include <algorithm>

#include "api/documents/cms/algorithms.h"
#include "api/documents/cms/ber.h"
#include "api/documents/cms/der.h"
#include "api/documents/cms/oids.h"
#include "keystore/algorithm_identifiers.h"

namespace sigillo::cms {
namespace {

std::unexpected<Error> refuse(std::string detail) {
    return fail(Errc::kInvalidArgument, std::move(detail), "token");
}

Bytes octet_string_of_digest(HashAlgorithm hash, ByteView over) {
    return der_element(kDerOctetString, {digest_of(hash, over).bytes()});
}

std::vector<Bytes> digests_of(HashAlgorithm hash, const std::vector<Bytes>& elements) {
    std::vector<Bytes> out;
    out.reserve(elements.size());
    for (const Bytes& element : elements) out.push_back(octet_string_of_digest(hash, element));
    return out;
}

// §5.5.2: of "the octet stream resulting from concatenating one of the AttributeValue instances within field
// Attribute.attrValues and the corresponding Attribute.attrType", the type first.
std::vector<Bytes> digests_of(HashAlgorithm hash, const std::vector<Attribute>& attributes) {
    std::vector<Bytes> out;
    for (const Attribute& attribute : attributes)
        for (const Bytes& value : attribute.values)
            out.push_back(octet_string_of_digest(hash, concat(attribute.type, value)));
    return out;
}

// In order, so that the index does not depend on the order of the SETs, which means nothing.
Bytes list_of(std::vector<Bytes> digests) {
    std::ranges::sort(digests);
    return der_sequence_of(kDerSequence, digests);
}

bool is_old(const Attribute& attribute) {
    return equal(attribute.type, kIdArchiveTimeStamp) || equal(attribute.type, kIdArchiveTimeStampV2) ||
           equal(attribute.type, kIdLongTermValidation);
}

// Each entry takes one of those present away: an element that is there twice may be listed twice.
Status check_list(BerReader& index, std::vector<Bytes> present, std::string_view what, const Limits& limits) {
    auto list = index.next(kDerSequence, what);
    if (!list) return refuse("ats-hash-index-v3: " + list.error().detail);
    auto entries = ber_elements(list->content, limits.max_elements, what, limits);
    if (!entries) return refuse("ats-hash-index-v3: " + entries.error().detail);
    std::ranges::sort(present);
    std::ranges::sort(*entries);
    if (!std::ranges::includes(present, *entries))
        return refuse("ats-hash-index-v3: " + std::string(what) +
                      " has a hash of what is not in the document");
    return {};
}

}  // namespace

bool has_old_archive(const SignerInfo& signer) {
    return std::ranges::any_of(signer.unsigned_attributes, is_old);
}

Status refuse_old_archives(const SignedData& document) {
    if (std::ranges::any_of(document.signers(), has_old_archive))
        return fail(
            Errc::kUnsupported,
            "the document has an archive time-stamp of a form before version 3, which anything added would "
            "invalidate",
            "document");
    return {};
}

Bytes hash_index(const SignedData& document, const SignerInfo& signer, HashAlgorithm hash) {
    return der_element(kDerSequence,
                       {digest_algorithm(hash), list_of(digests_of(hash, document.certificates())),
                        list_of(digests_of(hash, document.revocations())),
                        list_of(digests_of(hash, signer.unsigned_attributes))});
}

Digest archive_message_imprint(const SignedData& document, const SignerInfo& signer,
                               const Digest& content_digest, ByteView index) {
    return digest_of(content_digest.algorithm(),
                     concat(document.content_type(), content_digest.bytes(), signer.version, signer.sid,
                            signer.digest_algorithm, signer.signed_attributes, signer.signature_algorithm,
                            signer.signature, index));
}

Result<Bytes> index_of_token(ByteView token, const Limits& limits) {
    const auto data = SignedData::read(token, limits);
    if (!data || data->signers().size() != 1) return refuse("an archive time-stamp is no time-stamp token");
    std::optional<Bytes> found;
    for (const Attribute& attribute : data->signers().front().unsigned_attributes) {
        if (!equal(attribute.type, kIdAtsHashIndexV3)) continue;
        if (found || attribute.values.size() != 1) return refuse("ats-hash-index-v3 is there more than once");
        found = attribute.values.front();
    }
    if (!found) return refuse("the archive time-stamp has no ats-hash-index-v3");
    return *std::move(found);
}

Status check_index(const SignedData& document, const SignerInfo& signer, ByteView index, HashAlgorithm hash,
                   const Limits& limits) {
    BerReader outer(index, limits);
    auto sequence = outer.next(kDerSequence, "ATSHashIndexV3");
    if (!sequence) return refuse(sequence.error().detail);
    BerReader fields(sequence->content, limits);
    auto algorithm = fields.next(kDerSequence, "hashIndAlgorithm");
    if (!algorithm) return refuse("ats-hash-index-v3: " + algorithm.error().detail);
    if (hash_of(algorithm->whole) != hash)
        return refuse("ats-hash-index-v3 has another hash algorithm than the message imprint");
    SIGILLO_TRY(
        check_list(fields, digests_of(hash, document.certificates()), "certificatesHashIndex", limits));
    SIGILLO_TRY(check_list(fields, digests_of(hash, document.revocations()), "crlsHashIndex", limits));
    SIGILLO_TRY(check_list(fields, digests_of(hash, signer.unsigned_attributes),
                           "unsignedAttrValuesHashIndex", limits));
    if (!fields.empty()) return refuse("ats-hash-index-v3 has more than it should");
    return {};
}

}  // namespace sigillo::cms
