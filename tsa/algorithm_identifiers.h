// AlgorithmIdentifiers of what units sign with, as whole DER elements with static storage.
// Pure functions; safe from any thread.
#pragma once

#include "appliance/base/bytes.h"
#include "keystore/algorithms.h"

namespace sigillo::tsa {

// RFC 5754 §2: parameters absent.
ByteView digest_algorithm(HashAlgorithm hash);
// ecdsa-with-SHA2 without parameters (RFC 5754 §3.3), sha2WithRSAEncryption with NULL (§3.2). Empty for
// Ed25519.
ByteView signature_algorithm(KeyAlgorithm key, HashAlgorithm hash);

// The hash that fits the strength of the key: SHA-384 for P-384, SHA-256 for all others.
HashAlgorithm usual_hash(KeyAlgorithm key);
// ECDSA or RSASSA-PKCS1-v1_5: what every TSA client verifies.
SignatureScheme unit_scheme(KeyAlgorithm key, HashAlgorithm hash);

}  // namespace sigillo::tsa
