// What units sign with. Pure functions; safe from any thread.
#pragma once

#include "keystore/algorithms.h"

namespace sigillo::tsa {

// The hash that fits the strength of the key: SHA-384 for P-384, SHA-256 for all others.
HashAlgorithm usual_hash(KeyAlgorithm key);
// ECDSA or RSASSA-PKCS1-v1_5: what every TSA client verifies.
SignatureScheme unit_scheme(KeyAlgorithm key, HashAlgorithm hash);

}  // namespace sigillo::tsa
