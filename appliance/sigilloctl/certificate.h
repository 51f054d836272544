// Certificates out of PEM files; and the name under which sigillod knows a client: the digest of its
// certificate's public key.
#pragma once

#include <string>
#include <vector>

#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo::ctl {

// SHA-256 over the DER of the SubjectPublicKeyInfo of the first certificate in a PEM file. kNotFound,
// kUnavailable, kInvalidArgument.
Result<Sha256Value> spki_of_certificate(const std::string& path);

// All certificates of a PEM file, DER, in its order; at least one. Errors as above.
Result<std::vector<Bytes>> certificates_of(const std::string& path);

}  // namespace sigillo::ctl
