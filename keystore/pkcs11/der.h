// The little DER (X.690) that the key store writes and reads: signatures, DigestInfo, public keys.
// Pure functions.
#pragma once

#include <initializer_list>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"
#include "keystore/algorithms.h"

namespace sigillo::pkcs11 {

// r ‖ s, each half of `raw`, as DER ECDSA-Sig-Value (RFC 3279 §2.2.3), integers positive and minimal.
// kHsmFailed when the length is odd or zero, or an integer is zero: no such signature exists.
Result<Bytes> ecdsa_sig_value(ByteView raw);

// DigestInfo of PKCS #1 v1.5 (RFC 8017 §9.2), what CKM_RSA_PKCS wants to be given.
Bytes digest_info(const Digest& digest);

// Curve as CKA_EC_PARAMS has it: the DER OID. Empty for RSA.
ByteView ec_params(KeyAlgorithm algorithm);

// SubjectPublicKeyInfo. `point` is CKA_EC_POINT: a DER OCTET STRING around the point, or (modules differ) the
// bare point: 04 ‖ X ‖ Y, for Ed25519 32 bytes. kHsmFailed when the shape is not the algorithm's.
Result<PublicKey> ec_public_key(KeyAlgorithm algorithm, ByteView point);
// From CKA_MODULUS and CKA_PUBLIC_EXPONENT. kHsmFailed when the modulus has not exactly key_bits(algorithm).
Result<PublicKey> rsa_public_key(KeyAlgorithm algorithm, ByteView modulus, ByteView exponent);

}  // namespace sigillo::pkcs11
