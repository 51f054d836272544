// Which serial numbers the embedded CA has given out: what OCSP answers `good` for. A serial that is not here
// was never issued.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/issuance/x509/certificate_authority.h"

namespace sigillo::issuance {

inline constexpr std::string_view kIssuedToCredential = "credential";
inline constexpr std::string_view kIssuedToUnit = "unit";
inline constexpr std::string_view kIssuedToResponder = "ocsp";

// Inside the caller's transaction, which logs what the certificate is for.
Status note_issued(audit::Recorder& recorder, ByteView serial, std::string_view kind,
                   std::string_view subject_id, std::int64_t not_after_ms);

struct EarlierCertificate {
    Bytes serial;  // as serial_bytes() gives it
    std::string unit_id;
    std::int64_t not_after_ms = 0;
};

// Before anything is served. Once in the life of a store that is older than the list: enters every
// certificate that a credential's record holds, and logs "ca.issued_listed"; goes on where a crash cut it
// off. `units`: whose records are the TSA's; those that are missing are entered each time, since one of the
// two stores may have been restored without the other. kNotFound when there is no CA.
Status list_earlier_certificates(audit::Ledger& ledger, const std::vector<EarlierCertificate>& units);

}  // namespace sigillo::issuance
