// OCSPResponse (RFC 6960 §4.2) as bytes: what is to be signed, what is made of it, and the answers that bear
// no signature. Pure functions without libcrypto; safe from any thread.
//
//   OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT ResponseBytes OPTIONAL
//   } BasicOCSPResponse ::= SEQUENCE { tbsResponseData ResponseData, signatureAlgorithm AlgorithmIdentifier,
//     signature BIT STRING, certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"

namespace sigillo::ocsp {

struct CertId;

// OCSPResponseStatus without a body (RFC 6960 §4.2.1).
enum class ResponseStatus : std::uint8_t {
    kSuccessful = 0,
    kMalformedRequest = 1,
    kInternalError = 2,
    kTryLater = 3,
    kSigRequired = 5,
    kUnauthorized = 6,
};
std::string_view response_status_name(ResponseStatus status);  // "malformedRequest"

struct OcspFailure {
    ResponseStatus status = ResponseStatus::kInternalError;
    std::string text;  // for logs and tests; the answer has no place for it
};
// Five octets.
Bytes encode_failure(ResponseStatus status);
// The status of an answer, or nothing when it is no OCSPResponse.
std::optional<ResponseStatus> response_status(ByteView der);

enum class Standing : std::uint8_t { kGood, kRevoked, kUnknown };

struct SingleStatus {
    Standing standing = Standing::kUnknown;
    WallTime revoked_at{};           // kRevoked only
    std::optional<unsigned> reason;  // CRLReason (RFC 5280 §5.3.1); none: not said
    // id-pkix-ocsp-archive-cutoff (§4.4.4): what was revoked since then is still known, though the
    // certificate has expired.
    std::optional<WallTime> archive_cutoff;
};

struct ResponseData {
    ByteView responder_key_hash;  // responderID byKey: SHA-1 over the responder's public key's bits (§4.2.1)
    WallTime produced_at{};
    WallTime this_update{};
    WallTime next_update{};
    // As many as certificates were asked for, in their order.
    std::span<const CertId> certificates;
    std::span<const SingleStatus> statuses;
    ByteView nonce;  // empty: none
};
// tbsResponseData: what the responder's key signs. Times in whole seconds.
Bytes encode_response_data(const ResponseData& data);

struct SignedParts {
    ByteView response_data;        // as encode_response_data() gave it
    ByteView signature_algorithm;  // AlgorithmIdentifier, DER
    ByteView signature;
    std::span<const Bytes> certificates;  // DER
};
Bytes encode_response(const SignedParts& parts);

}  // namespace sigillo::ocsp
