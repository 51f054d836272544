// The certificate of a time-stamping unit: read from DER, with the checks that only such certificates need.
// What every certificate needs (signatures, path, names, algorithms' strength) is the chain check's.
// Pure functions; safe from any thread.
#pragma once

#include <optional>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/result.h"

namespace sigillo::tsa {

// privateKeyUsagePeriod (RFC 3280 §4.2.1.4): either bound may be missing.
struct KeyUsagePeriod {
    std::optional<WallTime> from;
    std::optional<WallTime> until;
};

struct UnitCertificate {
    Bytes issuer;   // DER Name
    Bytes serial;   // DER INTEGER
    Bytes subject;  // DER Name
    Bytes spki;     // DER SubjectPublicKeyInfo
    WallTime not_before{};
    WallTime not_after{};  // inclusive
    std::optional<KeyUsagePeriod> key_usage_period;
};

// Strict, and refuses what may not sign time stamps:
//   extendedKeyUsage absent, not critical, or with anything but id-kp-timeStamping (RFC 3161 §2.3: "MUST
//   contain only one instance of the extended key usage field extension … This extension MUST be critical");
//   keyUsage absent, or with bits other than digitalSignature and nonRepudiation (RFC 5280 §4.2.1.12);
//   a CA's certificate (basicConstraints cA);
//   a subject that is empty (a token names its TSA by it);
//   a privateKeyUsagePeriod that is empty, or does not end before the certificate does (EN 319 421 §7.6.7).
// kInvalidArgument with `field` "chain": what is wrong is in `detail`.
Result<UnitCertificate> read_unit_certificate(ByteView der);

}  // namespace sigillo::tsa
