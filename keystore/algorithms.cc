#include "keystore/algorithms.h"

namespace sigillo {

bool is_rsa(KeyAlgorithm algorithm) {
    return algorithm == KeyAlgorithm::kRsa2048 || algorithm == KeyAlgorithm::kRsa3072 ||
           algorithm == KeyAlgorithm::kRsa4096;
}

bool is_ec(KeyAlgorithm algorithm) {
    return algorithm == KeyAlgorithm::kEcP256 || algorithm == KeyAlgorithm::kEcP384;
}

unsigned key_bits(KeyAlgorithm algorithm) {
    switch (algorithm) {
        case KeyAlgorithm::kEcP256:
            return 256;
        case KeyAlgorithm::kEcP384:
            return 384;
        case KeyAlgorithm::kRsa2048:
            return 2048;
        case KeyAlgorithm::kRsa3072:
            return 3072;
        case KeyAlgorithm::kRsa4096:
            return 4096;
        case KeyAlgorithm::kEd25519:
            return 256;
    }
    return 0;
}

std::string_view key_algorithm_name(KeyAlgorithm algorithm) {
    switch (algorithm) {
        case KeyAlgorithm::kEcP256:
            return "EC-P256";
        case KeyAlgorithm::kEcP384:
            return "EC-P384";
        case KeyAlgorithm::kRsa2048:
            return "RSA-2048";
        case KeyAlgorithm::kRsa3072:
            return "RSA-3072";
        case KeyAlgorithm::kRsa4096:
            return "RSA-4096";
        case KeyAlgorithm::kEd25519:
            return "Ed25519";
    }
    return "";
}

std::optional<KeyAlgorithm> key_algorithm_from_name(std::string_view name) {
    for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384, KeyAlgorithm::kRsa2048,
                                 KeyAlgorithm::kRsa3072, KeyAlgorithm::kRsa4096})
        if (name == key_algorithm_name(algorithm)) return algorithm;
    return std::nullopt;
}

bool fits(KeyAlgorithm algorithm, SignatureScheme scheme) {
    if (is_rsa(algorithm)) return scheme.padding != SignaturePadding::kNone;
    return is_ec(algorithm) && scheme.padding == SignaturePadding::kNone;
}

}  // namespace sigillo
