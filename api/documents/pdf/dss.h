// Validation data in the document itself: the Document Security Store (EN 319 142-1 §5.4, ISO 32000-2
// §12.8.4.3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/documents/pdf/limits.h"
#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

// All DER: certificates, CertificateLists, OCSPResponses (RFC 6960, not BasicOCSPResponse).
struct ValidationData {
    std::vector<Bytes> certificates;
    std::vector<Bytes> crls;
    std::vector<Bytes> ocsps;
};

// What one signature or time-stamp of the document needs; becomes part of the store, and its entry in /VRI
// where it has none: an entry that is there stays as it is, since validators that compare revisions take a
// changed one for tampering.
struct SignatureValidationData {
    std::string vri_key;  // SignatureInfo::vri_key of inspect.h
    ValidationData data;
    std::optional<WallTime> created;  // /TU
};

struct Extended {
    std::uint64_t original_size = 0;
    std::uint64_t size =
        0;  // equal to original_size when the document has all of it: then nothing is appended
};

// Writes the document and a revision with the validation data merged into the store that is there: nothing is
// removed, nothing comes twice. Descriptors, sandbox and errors as prepare_signature. Allowed whatever a
// certification says (ISO 32000-2 table 257). kNotFound (field "vri_key"): the document has no such
// signature.
Result<Extended> add_validation_data(int document, const ValidationData& data,
                                     const std::vector<SignatureValidationData>& signatures,
                                     const Limits& limits, int out);

}  // namespace sigillo::pdf
