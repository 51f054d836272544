// AlgorithmIdentifiers of digests and signatures, and the check of a signature by libcrypto. Pure functions.
#pragma once

#include <openssl/types.h>

#include <optional>
#include <string>

#include "appliance/base/result.h"
#include "keystore/algorithms.h"

namespace sigillo::cms {

// RFC 5754 §2: parameters absent.
Bytes digest_algorithm(HashAlgorithm hash);
// ecdsa-with-SHA2 without parameters (RFC 5754 §3.3), sha2WithRSAEncryption with NULL (§3.2), RSASSA-PSS with
// all its parameters but the trailer field, which is the default's (RFC 4055 §3.1: AlgorithmIdentifiers of
// hashes with NULL).
Bytes signature_algorithm(SignatureScheme scheme);

// By the OBJECT IDENTIFIER of an AlgorithmIdentifier, whole element; parameters absent or NULL.
std::optional<HashAlgorithm> hash_of(ByteView algorithm);
// None: not one that signature_algorithm() writes, rsaEncryption (RFC 5754 §3.2) excepted.
std::optional<SignatureScheme> scheme_of(ByteView digest_algorithm, ByteView signature_algorithm);
std::string algorithm_oid(ByteView algorithm);  // dotted; empty when unreadable

// Whether `signature` is one over `message`; false also when the scheme does not fit the key.
bool signature_holds(EVP_PKEY* key, SignatureScheme scheme, ByteView message, ByteView signature);

}  // namespace sigillo::cms
