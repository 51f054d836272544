// What a CMS document from outside may cost. One struct for the whole library; sigillo-doc fills it from its
// configuration.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sigillo::cms {

struct Limits {
    // Octets of the encapsulated content. 128 MiB: the largest document that the interface takes (100 MiB)
    // with room. It is never held in memory.
    std::uint64_t max_content_bytes = std::uint64_t{128} << 20;
    // Octets of all that is not content: certificates, revocation data, signatures. Held in memory, some
    // three times over while it is changed. 16 MiB: CRLs of national authorities reach a few MiB, and a
    // document extended for decades holds several.
    std::size_t max_structure_bytes = std::size_t{16} << 20;
    // Pieces of an OCTET STRING in constructed form. Streaming writers cut at 1,000 octets and more: 2^18 of
    // these are 250 MiB, and each takes 16 octets of memory and one read.
    std::size_t max_content_segments = std::size_t{1} << 18;
    // Levels of indefinite-length elements inside one another. CMS itself needs 4; libcrypto goes to 30.
    std::size_t max_depth = 16;
    // Elements visited to find the end of one indefinite-length element: bounds the reads that it costs.
    std::size_t max_elements = std::size_t{1} << 18;
    // SignerInfos. 64: each costs a signature verification and a path; nobody signs in parallel more often.
    std::size_t max_signers = 64;
    // Certificates of the document and of all its time-stamp tokens. 512: 64 signers with a path of four
    // each, twice.
    std::size_t max_certificates = 512;
    // Octets of one certificate. Qualified certificates take 2 KiB; 64 KiB holds any that was seen.
    std::size_t max_certificate_bytes = std::size_t{64} << 10;
    // CRLs and OCSP responses together. 512: one for each certificate.
    std::size_t max_revocations = 512;
    // Octets of one OCSP response: with a responder's certificate and its chain 8 KiB; 64 KiB is ample.
    std::size_t max_ocsp_bytes = std::size_t{64} << 10;
    // Answers in one OCSP response. 16: responders answer for the one certificate that they are asked about.
    std::size_t max_ocsp_answers = 16;
    // Octets of one CRL. 8 MiB: half of what a whole document may have.
    std::size_t max_crl_bytes = std::size_t{8} << 20;
    // Unsigned attributes of one SignerInfo. 64: a signature-time-stamp and an archive-time-stamp every other
    // year for a century.
    std::size_t max_attributes = 64;
    // Octets of one time-stamp token, its certificates included: 4 to 8 KiB are usual; a token that holds its
    // own CRLs may take more.
    std::size_t max_token_bytes = std::size_t{1} << 20;
    // Tokens of one inspection. 256: each costs a signature verification and, when it does not hold its
    // unit's certificate, a search through all.
    std::size_t max_tokens = 256;
    // Octets of SignedAttributes: some 300 without, 4 KiB with every optional attribute.
    std::size_t max_signed_attributes_bytes = std::size_t{64} << 10;
    // Certificates of one path, leaf and root included. 10: no hierarchy comes near.
    std::size_t max_path = 10;
    // Signature verifications of certificates, CRLs and OCSP responses in one inspection. 4,096: eight for
    // each certificate, a second of work at most with usual keys.
    std::size_t max_signature_checks = 4096;
    // URLs kept of one extension, and octets of one. A certificate names one or two of 60 to 100 octets.
    std::size_t max_urls = 8;
    std::size_t max_url_bytes = 2048;
};

}  // namespace sigillo::cms
