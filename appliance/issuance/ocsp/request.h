// OCSPRequest (RFC 6960 §4.1, in the profile of RFC 5019 where that is stricter): what anybody asks about
// certificates, parsed strictly out of foreign bytes.
//
//   OCSPRequest ::= SEQUENCE { tbsRequest TBSRequest, optionalSignature [0] EXPLICIT Signature OPTIONAL }
//   TBSRequest ::= SEQUENCE { version [0] EXPLICIT Version DEFAULT v1, requestorName [1] EXPLICIT GeneralName
//     OPTIONAL, requestList SEQUENCE OF Request, requestExtensions [2] EXPLICIT Extensions OPTIONAL }
//   Request ::= SEQUENCE { reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL }
//   CertID ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING, issuerKeyHash OCTET
//     STRING, serialNumber CertificateSerialNumber }
//
// No libcrypto, no recursion, no allocation beyond the bounds. An OcspRequest that exists has passed every
// check that needs no knowledge of the CA: sigillo-api makes one by parse(), sigillod makes it anew by
// create() from the typed fields that it is sent, and believes nothing else. Immutable; thread-safe.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/issuance/ocsp/response.h"

namespace sigillo::ocsp {

struct RequestLimits {
    // Octets of a request. One certificate takes 70 to 120; a signed request with its certificates up to 8
    // KiB.
    std::size_t max_bytes = std::size_t{8} * 1024;
    // Certificates in one request. RFC 5019 §2.1.1 knows one; each costs a look into the store.
    std::size_t max_certificates = 16;
    // Octets of the nonce. RFC 8954 §2.1: 1 to 32; it is copied into what the responder signs.
    std::size_t max_nonce_bytes = 32;
};

// What the hashes of a CertID are made with. They only name the issuer, nothing is trusted for them: so
// SHA-1, which RFC 5019 §2.1.1 prescribes and most clients send, does no harm here.
enum class NameHash : std::uint8_t { kUnknown = 0, kSha1 = 1, kSha256 = 2, kSha384 = 3, kSha512 = 4 };
std::size_t name_hash_size(NameHash hash);  // octets; 0 for kUnknown

struct CertId {
    NameHash hash = NameHash::kUnknown;
    // The AlgorithmIdentifier as it came: an answer repeats it, NULL or no parameters, known or not.
    Bytes algorithm;  // DER
    Bytes issuer_name_hash;
    Bytes issuer_key_hash;
    Bytes serial;  // content octets of the INTEGER, 1 to 21
    friend bool operator==(const CertId&, const CertId&) = default;
};

class OcspRequest {
 public:
    // kMalformedRequest: longer than max_bytes, not DER, a version other than 1, fields missing, doubled, out
    // of order or unknown, anything after the end, no certificate or more than max_certificates, a serial
    // number or hash that cannot be one, a nonce that is no OCTET STRING of 1 to max_nonce_bytes (RFC 8954
    // §2.1), a critical extension that nobody here understands. A requestor's name and a signature are
    // skipped: who asks makes no difference (RFC 5019 §2.1.2).
    static std::expected<OcspRequest, OcspFailure> parse(ByteView der, const RequestLimits& limits = {});
    // The same checks on typed fields; an empty nonce is none.
    static std::expected<OcspRequest, OcspFailure> create(std::vector<CertId> certificates, ByteView nonce,
                                                          const RequestLimits& limits = {});

    std::span<const CertId> certificates() const { return certificates_; }
    ByteView nonce() const { return nonce_; }  // content of the inner OCTET STRING; empty: none

 private:
    OcspRequest() = default;
    std::vector<CertId> certificates_;
    Bytes nonce_;
};

}  // namespace sigillo::ocsp
