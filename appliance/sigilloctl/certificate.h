// The name under which sigillod knows a client: the digest of its certificate's public key.
#pragma once

#include <string>

#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo::ctl {

// SHA-256 over the DER of the SubjectPublicKeyInfo of the first certificate in a PEM file. kNotFound,
// kUnavailable, kInvalidArgument.
Result<Sha256Value> spki_of_certificate(const std::string& path);

}  // namespace sigillo::ctl
