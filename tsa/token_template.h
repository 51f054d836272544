// The CMS SignedData around a TSTInfo, assembled from parts that are made once for each unit.
//
// libcrypto's TS_RESP_create_response builds, encodes, parses and sorts each token anew; here a token is two
// copies into a buffer. What comes out is held against libcrypto's parser and verifier by the tests.
//
//   ContentInfo { signedData, SignedData { version 3, digestAlgorithms, { id-ct-TSTInfo, TSTInfo },
//     certificates [0]?, { SignerInfo { 1, issuerAndSerialNumber, digestAlgorithm, signedAttrs [0] {
//     content-type, message-digest, signing-certificate-v2 }, signatureAlgorithm, signature } } } }
//
// (RFC 5652 §5, RFC 3161 §2.4.2 as updated by RFC 5816 §2.2.1: exactly one SignerInfo, ESSCertIDv2 with
// SHA-256.)
#pragma once

#include <span>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"
#include "keystore/algorithms.h"
#include "tsa/unit_certificate.h"

namespace sigillo::tsa {

// Immutable; thread-safe.
class TokenTemplate {
 public:
    // `chain`: DER, the unit's own first, which `leaf` was read from. A last certificate that issued itself
    // is left out of tokens, as long as it is not alone: who verifies has it already, or must not take it
    // from here.
    static TokenTemplate create(const UnitCertificate& leaf, std::span<const Bytes> chain, KeyAlgorithm key,
                                HashAlgorithm hash);

    // What the unit signs with.
    SignatureScheme scheme() const { return scheme_; }

    // DER of SignedAttributes over `tst_info`, as a SET OF: its digest is what is signed (RFC 5652 §5.4).
    Bytes signed_attributes(ByteView tst_info) const;

    // DER of a TimeStampResp with status granted (0) around the token. `certificates`: certReq of the
    // request.
    Bytes response(ByteView tst_info, ByteView signed_attributes, ByteView signature,
                   bool certificates) const;

    // DER of the field tsa: the unit's subject as directoryName. "If present, it MUST correspond to one of
    // the subject names included in the certificate".
    ByteView name() const { return name_; }

 private:
    TokenTemplate() = default;
    SignatureScheme scheme_;
    Bytes attributes_;  // SignedAttributes with zeros for the digest
    std::size_t digest_at_ = 0;
    Bytes certificates_;       // [0] IMPLICIT CertificateSet
    Bytes digest_algorithms_;  // SET OF
    Bytes signer_prefix_;      // version, sid, digestAlgorithm of the SignerInfo
    Bytes signature_algorithm_;
    Bytes name_;
};

}  // namespace sigillo::tsa
