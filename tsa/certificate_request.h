// PKCS#10 (RFC 2986): how a unit's key asks a CA, embedded or outside, for its certificate.
#pragma once

#include <string>

#include "appliance/base/result.h"
#include "keystore/signing_key.h"
#include "tsa/unit_certificate.h"

namespace sigillo::tsa {

// Whom a unit's certificate names (EN 319 422 §6: a legal person, and the unit itself as common name). UTF-8,
// 1 to 64 characters each (RFC 5280 appendix A).
struct UnitSubject {
    std::string country;  // ISO 3166-1 alpha-2
    std::string organization;
    std::string organization_identifier;  // "VATIT-…" (EN 319 412-3 §4.2.1), or empty
    std::string common_name;
};

// kInvalidArgument, `field` names the member.
Status check_subject(const UnitSubject& subject);

// DER, signed by `key` itself and verified before it is returned. It asks for a critical extendedKeyUsage
// with timeStamping alone, for keyUsage digitalSignature and for `period` as privateKeyUsagePeriod. Errors:
// check_subject()'s, SigningKey::sign()'s, kHsmFailed when the signature does not hold.
Result<Bytes> make_unit_request(SigningKey& key, const UnitSubject& subject, const KeyUsagePeriod& period);

}  // namespace sigillo::tsa
