// Time-stamp tokens (RFC 3161 §2.4.2): read and verified by libcrypto.
// Pure functions; no clock. Errors: kInvalidArgument, kLimitExceeded or kUnsupported with `field` "token".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/documents/cms/certificate.h"

namespace sigillo::cms {

struct TimeStamp {
    explicit TimeStamp(const Digest& digest) : imprint(digest) {}

    WallTime gen_time{};
    Digest imprint;
    std::string policy_oid;
    std::string serial_hex;
    // Certificates in the token, as they are; and which of them, or of those given, signed it.
    std::vector<Bytes> certificates;
    Bytes signer;  // DER; empty: its certificate is nowhere, and so the signature was not checked
};

// A token whose signature holds: one SignerInfo, its certificate (in the token or in `extra`) named by
// signing-certificate or -v2 and made for time-stamping alone (critical extendedKeyUsage), the imprint at
// least SHA-256. Where the certificate is found nowhere, `signer` stays empty and the rest is as the token
// says. Trust in the certificate is not judged.
Result<TimeStamp> read_time_stamp(ByteView token, std::span<const Bytes> extra = {},
                                  const Limits& limits = {});

}  // namespace sigillo::cms
