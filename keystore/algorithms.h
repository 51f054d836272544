// Key and signature algorithms, by the field's names. No PKCS#11 and no libcrypto in here.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/digest.h"

namespace sigillo {

enum class KeyAlgorithm : std::uint8_t {
    kEcP256 = 1,
    kEcP384 = 2,
    kRsa2048 = 3,
    kRsa3072 = 4,
    kRsa4096 = 5,
    kEd25519 = 6,  // log keys only
};

enum class SignaturePadding : std::uint8_t { kNone = 0, kPkcs1v15 = 1, kPss = 2 };

// What is done with a digest: ECDSA (padding kNone), RSASSA-PKCS1-v1_5, or RSASSA-PSS with MGF1 over the same
// hash and a salt as long as the digest.
struct SignatureScheme {
    SignaturePadding padding = SignaturePadding::kNone;
    HashAlgorithm hash = HashAlgorithm::kSha256;
    friend bool operator==(const SignatureScheme&, const SignatureScheme&) = default;
};

bool is_rsa(KeyAlgorithm algorithm);
bool is_ec(KeyAlgorithm algorithm);
unsigned key_bits(KeyAlgorithm algorithm);                    // 256, 384, 2048, 3072, 4096; Ed25519: 256
std::string_view key_algorithm_name(KeyAlgorithm algorithm);  // "EC-P256", "RSA-2048", … as /v1 spells them
std::optional<KeyAlgorithm> key_algorithm_from_name(std::string_view name);
// Whether a key of `algorithm` can make signatures of `scheme` (an RSA key needs a padding, an EC key none).
bool fits(KeyAlgorithm algorithm, SignatureScheme scheme);

// The public half, as the field exchanges it.
struct PublicKey {
    KeyAlgorithm algorithm = KeyAlgorithm::kEcP256;
    Bytes spki;  // DER SubjectPublicKeyInfo (RFC 5280 §4.1)
    friend bool operator==(const PublicKey&, const PublicKey&) = default;
};

}  // namespace sigillo
