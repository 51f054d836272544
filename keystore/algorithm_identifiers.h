// AlgorithmIdentifiers (RFC 5280 §4.1.1.2) of what keys sign with, as whole DER elements with static storage:
// one spelling for all that is signed here. Pure functions; safe from any thread.
#pragma once

#include "keystore/algorithms.h"

namespace sigillo {

// RFC 5754 §2: parameters absent.
ByteView digest_algorithm(HashAlgorithm hash);

// ecdsa-with-SHA2 without parameters (RFC 5754 §3.3), sha2WithRSAEncryption with NULL (§3.2), or
// id-RSASSA-PSS with hash, MGF1 over the same hash and the salt's length spelled out (RFC 4055 §3.1;
// trailerField is the default).
ByteView signature_algorithm(SignatureScheme scheme);

}  // namespace sigillo
