// What the two files about signatures share. Not for others: hsm_provider.h is the public face.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "keystore/openssl/provider_internal.h"

namespace sigillo {

// One signature under way: libcrypto's EVP_PKEY_CTX holds one.
struct SignatureContext {
    const ProviderContext* provider = nullptr;
    KeyKind kind = KeyKind::kEc;
    std::shared_ptr<SigningKey> key;
    std::size_t max_size = 0;  // octets of the longest signature
    SignatureScheme scheme;
    std::optional<HashAlgorithm> mgf1;  // none: as scheme.hash
    std::optional<int> salt;            // none: as long as the digest
    EvpMdContext hashing;               // between digest_sign_init and digest_sign_final
};

inline SignatureContext& signature_context_of(void* data) {
    return *static_cast<SignatureContext*>(data);
}

// kInvalidArgument for the caller of call_libcrypto(), and 0 for libcrypto.
int refuse_signature(std::string detail);

// The hash of that name, fetched from the default provider if `fetched` is given; nothing, and the error, for
// SHA-1 and whatever else is not offered.
std::optional<HashAlgorithm> named_hash(const SignatureContext& context, const char* name,
                                        EvpMd* fetched = nullptr);

// OSSL_FUNC_signature_{set,get}_ctx_params and the lists of what they take.
int set_signature_parameters(void* data, const OSSL_PARAM params[]);
int get_signature_parameters(void* data, OSSL_PARAM params[]);
const OSSL_PARAM* gettable_signature_parameters(void* data, void* provider);
const OSSL_PARAM* settable_signature_parameters(void* data, void* provider);

}  // namespace sigillo
