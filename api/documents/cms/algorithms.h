// AlgorithmIdentifiers of digests and signatures as others spell them (keystore/algorithm_identifiers.h: as
// we do), and the check of a signature by libcrypto. Pure functions.
#pragma once

#include <openssl/types.h>

#include <optional>
#include <string>

#include "appliance/base/result.h"
#include "keystore/algorithms.h"

namespace sigillo::cms {

// By the OBJECT IDENTIFIER of an AlgorithmIdentifier, whole element; parameters absent or NULL.
std::optional<HashAlgorithm> hash_of(ByteView algorithm);
// None: not one that signature_algorithm() writes, rsaEncryption (RFC 5754 §3.2) excepted.
std::optional<SignatureScheme> scheme_of(ByteView digest_algorithm, ByteView signature_algorithm);
std::string algorithm_oid(ByteView algorithm);  // dotted; empty when unreadable

// Whether `signature` is one over `message`; false also when the scheme does not fit the key.
bool signature_holds(EVP_PKEY* key, SignatureScheme scheme, ByteView message, ByteView signature);

}  // namespace sigillo::cms
