// The signed attributes of a SignerInfo that this library goes by (RFC 5652 §11, EN 319 122-1 §5.1, §5.2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/documents/cms/limits.h"
#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/result.h"

namespace sigillo::cms {

// ESSCertID or ESSCertIDv2 (RFC 5035 §4, §5): the first of signing-certificate or -v2, which is the signer's.
struct CertificateReference {
    std::string hash_oid;  // dotted
    Bytes hash;
    bool names(ByteView certificate) const;
};

struct SignedAttributes {
    Bytes content_type;  // OBJECT IDENTIFIER, whole element; empty: none
    Bytes message_digest;
    std::optional<WallTime> signing_time;
    std::vector<CertificateReference> signing_certificates;  // at most one of each version
    Bytes algorithm_protection;  // CMSAlgorithmProtection (RFC 6211 §2), whole element; empty: none
    std::vector<Bytes> content_time_stamps;
    bool in_order = true;  // as DER wants a SET OF
};

// `set`: SET OF or [0]. kInvalidArgument without `field`: not attributes, or one of those above twice, with
// several values or malformed.
Result<SignedAttributes> parse_signed_attributes(ByteView set, const Limits& limits);

}  // namespace sigillo::cms
