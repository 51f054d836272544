// SignedData around a signature that was made elsewhere (RFC 5652 §5; CAdES baseline B-B and B-T, EN 319
// 122-1 §6; the CMS inside PAdES, EN 319 142-1).
//
// Each function checks what it is given before it builds: that the signature holds over the SignedAttributes
// under the first certificate, that content-type, message-digest and signing-certificate-v2 are there once
// and fit, that each certificate of the chain is one. So what comes out is a valid signature or an error.
// Deterministic; no clock, no secrets.
//
// Errors: kInvalidArgument with `field` "signed_attributes", "signature", "certificate", "content", "token"
// or "document"; kLimitExceeded, kUnsupported; those of the sink.
#pragma once

#include <vector>

#include "api/documents/cms/signed_data.h"
#include "keystore/algorithms.h"

namespace sigillo::cms {

struct SignatureParts {
    Bytes signed_attributes;   // DER as signed: SET OF, tag 0x31
    Bytes signature;           // ECDSA as DER, RSA as the octet string of the modulus' length
    SignatureScheme scheme;    // its hash is also the digestAlgorithm; RSA or ECDSA is the key's
    std::vector<Bytes> chain;  // DER, the signer's first
    Bytes time_stamp;          // TimeStampToken over the signature value (B-T), or empty (B-B)
};

// Without content: a .p7s, or what goes into /Contents of a PDF (which holds no more than this).
Result<Bytes> assemble_detached(const SignatureParts& parts, const Limits& limits = {});

// With content, copied in pieces: a .p7m. The content's digest must be the message-digest.
Status assemble_attached(const SignatureParts& parts, const Content& content, ByteSink& out,
                         const Limits& limits = {});

// A further signature beside those in `document` (parallel): a SignerInfo, its certificates, its
// digestAlgorithm. What is there stays, byte for byte. Attached: the content's digest must be the
// message-digest. Detached: `content_digest` must be it, and no earlier signer of the same hash may say
// another. kUnsupported: an earlier signature has an archive time-stamp of a form that covers all
// certificates (before version 3), which this would break.
Status add_signature(SignedData& document, const SignatureParts& parts,
                     const std::optional<Digest>& content_digest, const Limits& limits = {});

}  // namespace sigillo::cms
