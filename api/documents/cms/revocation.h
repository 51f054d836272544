// OCSP responses (RFC 6960) and CRLs (RFC 5280 §5) of strangers: well-formed, from the right issuer, about
// this certificate, timely, and what they say. Read and verified by libcrypto. Pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "api/documents/cms/certificate.h"

namespace sigillo::cms {

enum class RevocationKind : std::uint8_t { kOcsp = 1, kCrl = 2 };
enum class RevocationStatus : std::uint8_t { kGood = 1, kRevoked, kUnknown };

struct RevocationRules {
    WallTime now{};  // thisUpdate may not lie after it, nextUpdate not before it
    // What the clocks of others may differ from ours.
    std::chrono::seconds skew = std::chrono::minutes(5);
    // Age of an answer without nextUpdate. A day: such a responder says that newer information is always
    // available.
    std::chrono::seconds max_age_without_next_update = std::chrono::hours(24);
    // When set, thisUpdate may not lie before it: what proves that a certificate was good at a signature's
    // time was issued later than that.
    std::optional<WallTime> not_older_than;
};

struct RevocationAnswer {
    RevocationKind kind = RevocationKind::kOcsp;
    RevocationStatus status = RevocationStatus::kUnknown;
    WallTime produced_at{};  // OCSP; a CRL's thisUpdate
    WallTime this_update{};
    std::optional<WallTime> next_update;
    std::optional<WallTime> revoked_at;  // kRevoked alone
    std::string reason;                  // CRLReason's name in RFC 5280 §5.3.1 ("keyCompromise"), or empty
    // OCSP: who signed it, when that is not the issuer itself. Its certificate belongs to the validation
    // material, and unless ocsp_no_check its own revocation data do.
    std::optional<Certificate> responder;
};

// Errors: kInvalidArgument with `field` "ocsp" or "crl", `detail` saying which condition fails:
//   not DER, or with trailing bytes; responseStatus not successful; no answer about this certificate; the
//   signature does not hold; signed neither by the issuer nor by a responder whom the issuer certified for
//   OCSPSigning and who was valid at producedAt; from the future, out of date, or older than wanted; a CRL
//   that is a delta, indirect, for some reasons only, for another kind of certificate, or with an unknown
//   critical extension; an issuer that may not sign CRLs.
// kLimitExceeded: too long.
// "unknown" and "revoked" are answers, not errors.
Result<RevocationAnswer> check_ocsp(ByteView response, const Certificate& certificate,
                                    const Certificate& issuer, const RevocationRules& rules,
                                    const Limits& limits = {});
Result<RevocationAnswer> check_crl(ByteView crl, const Certificate& certificate, const Certificate& issuer,
                                   const RevocationRules& rules, const Limits& limits = {});

}  // namespace sigillo::cms
