#include "tsa/unit_algorithms.h"

namespace sigillo::tsa {

HashAlgorithm usual_hash(KeyAlgorithm key) {
    return key == KeyAlgorithm::kEcP384 ? HashAlgorithm::kSha384 : HashAlgorithm::kSha256;
}

SignatureScheme unit_scheme(KeyAlgorithm key, HashAlgorithm hash) {
    return {is_rsa(key) ? SignaturePadding::kPkcs1v15 : SignaturePadding::kNone, hash};
}

}  // namespace sigillo::tsa
