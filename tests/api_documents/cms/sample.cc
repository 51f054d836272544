#include "tests/api_documents/cms/sample.h"

#include <stdexcept>

#include "api/documents/cms/algorithms.h"

namespace sigillo::cms::testing {

using namespace std::chrono_literals;

Story::Story(WallTime now)
    : signed_at(now - 60min),
      stamped_at(now - 50min),
      proofs_at(now - 40min),
      archived_at(now - 30min),
      later_proofs_at(now - 20min),
      renewed_at(now - 10min),
      next_update(now + 24h) {}

void must_hold(const Status& status) {
    if (!status) throw std::runtime_error(to_string(status.error()));
}

SignatureParts sign_content(KeyKind kind, const Digest& content, std::optional<WallTime> signing_time) {
    const Identity signer = pki().signer(kind);
    SignatureParts parts;
    AttributeOptions options;
    options.signing_time = signing_time;
    parts.signed_attributes = make_attributes(content, signer.certificate, options);
    parts.scheme = scheme_of(kind);
    parts.signature = sign(signer, parts.scheme, parts.signed_attributes);
    parts.chain = pki().chain(signer);
    return parts;
}

SignedData detached(const SignatureParts& parts) {
    const Bytes der = value_of(assemble_detached(parts));
    return value_of(SignedData::read(der));  // there is no content that would be a view of `der`
}

void add_time_stamps(SignedData& document, const Story& story) {
    for (std::size_t i = 0; i < document.signers().size(); ++i) {
        const Digest imprint = digest_of(HashAlgorithm::kSha256, document.signers()[i].signature_value);
        must_hold(add_signature_time_stamp(document, i, pki().token(imprint, story.stamped_at)));
    }
}

namespace {

Material proofs(const std::vector<Bytes>& leaves, WallTime at, WallTime next) {
    Material material;
    material.certificates = {pki().ca.certificate, pki().tsa_ca.certificate, pki().root.certificate};
    CrlOptions crl;
    crl.this_update = at;
    crl.next_update = next;
    material.crls = {make_crl(pki().root, crl), make_crl(pki().tsa_ca, crl)};
    OcspOptions ocsp;
    ocsp.this_update = ocsp.produced_at = at;
    ocsp.next_update = next;
    for (const Bytes& leaf : leaves)
        material.ocsps.push_back(make_ocsp(leaf, pki().ca, pki().responder, ocsp));
    return material;
}

}  // namespace

void add_proofs(SignedData& document, const Story& story) {
    std::vector<Bytes> leaves;
    for (const KeyKind kind : all_key_kinds()) {
        const Bytes leaf = pki().signer(kind).certificate;
        for (const Bytes& certificate : document.certificates())
            if (certificate == leaf) leaves.push_back(leaf);
    }
    must_hold(add_material(document, proofs(leaves, story.proofs_at, story.next_update)));
}

void add_archives(SignedData& document, const Content& content, WallTime time) {
    for (std::size_t i = 0; i < document.signers().size(); ++i) {
        const HashAlgorithm hash =
            hash_of(document.signers()[i].digest_algorithm).value_or(HashAlgorithm::kSha256);
        const Digest digest = value_of(content.digest(hash));
        const ArchiveImprint wanted = value_of(archive_imprint(document, i, digest));
        must_hold(add_archive_time_stamp(document, i, pki().token(wanted.imprint, time), digest));
    }
}

void add_later_proofs(SignedData& document, const Story& story) {
    must_hold(add_material(document, proofs({}, story.later_proofs_at, story.next_update)));
}

}  // namespace sigillo::cms::testing
