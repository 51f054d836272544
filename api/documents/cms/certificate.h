// What validation wants to know of a certificate from outside, read by libcrypto.
// Pure functions; no clock. Errors: kInvalidArgument or kLimitExceeded with `field` "certificate".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/documents/cms/limits.h"
#include "appliance/base/clock.h"
#include "appliance/base/digest.h"

namespace sigillo::cms {

struct Certificate {
    Bytes der;
    Sha256Value sha256{};
    std::string subject_dn;  // RFC 4514, valid UTF-8
    std::string issuer_dn;
    std::string serial_hex;  // upper case, an even number of digits
    WallTime not_before{};
    WallTime not_after{};
    bool self_signed = false;  // its own key verifies it: no revocation data are needed for it
    bool is_ca = false;
    bool time_stamping = false;  // extendedKeyUsage
    bool ocsp_signing = false;   // extendedKeyUsage
    bool ocsp_no_check =
        false;  // id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1): no revocation data are needed for it
    // http and https URLs, as written. Nobody may follow them who does not hold them against an allow-list.
    std::vector<std::string> ocsp_urls;       // AIA id-ad-ocsp
    std::vector<std::string> ca_issuer_urls;  // AIA id-ad-caIssuers
    std::vector<std::string> crl_urls;        // cRLDistributionPoints, fullName
};

Result<Certificate> read_certificate(ByteView der, const Limits& limits = {});

// What an AIA caIssuers URL delivers: one DER certificate, or a certs-only SignedData (RFC 5280 §4.2.2.1).
Result<std::vector<Bytes>> read_ca_issuers(ByteView answer, const Limits& limits = {});

// Whether `issuer`'s name and key made `certificate` (RFC 5280 §4.1.2.4 and the signature).
bool issued_by(const Certificate& certificate, const Certificate& issuer);

}  // namespace sigillo::cms
