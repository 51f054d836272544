// The checks that a certificate chain from outside must pass before it may serve a credential.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "appliance/base/clock.h"
#include "appliance/base/result.h"
#include "appliance/issuance/x509/certificate_facts.h"
#include "keystore/algorithms.h"

namespace sigillo {

struct ChainLimits {
    CertificateLimits certificate;
    // Certificates, leaf included. 2: without the issuer's certificate the leaf's signature cannot be
    // checked.
    std::size_t min_certificates = 2;
    // 6: no public hierarchy has more, and each costs a signature verification.
    std::size_t max_certificates = 6;
    // Bits. 2048: the floor of ETSI TS 119 312 for RSA, 256 its floor for elliptic curves.
    unsigned min_rsa_bits = 2048;
    unsigned min_ec_bits = 256;
    // Bits. Bounds the time of one RSA verification.
    unsigned max_rsa_bits = 8192;
};

struct CheckedChain {
    // In the order given, leaf first; never empty.
    std::vector<CertificateFacts> certificates;
    const CertificateFacts& leaf() const { return certificates.front(); }
};

// `chain`: DER, the leaf first, each certificate followed by its issuer; the root may be left out.
// Refused, each with its own words in `detail` ("chain[1]: …"):
//   too few or too many certificates, one too long, one that cannot be parsed (parse_certificate);
//   a leaf for another key than `expected`, or that is a CA, or whose keyUsage is absent or has neither
//   digitalSignature nor nonRepudiation;
//   a certificate that is not valid at `now`, has an unknown critical extension, is signed with less than
//   SHA-256 or holds a weak key or one on a curve given by explicit parameters; an issuer that is no CA, may
//   not sign certificates (RFC 5280 §6.1.4 k, n), or whose name is not what the certificate before it says; a
//   signature that does not hold; whatever else path validation finds (path length, name constraints: RFC
//   5280 §6).
// The last certificate is not held against any trust anchor: who imports answers for it.
// Errors: kInvalidArgument or kLimitExceeded, `field` "chain".
Result<CheckedChain> check_chain(std::span<const Bytes> chain, const PublicKey& expected, WallTime now,
                                 const ChainLimits& limits = {});

}  // namespace sigillo
