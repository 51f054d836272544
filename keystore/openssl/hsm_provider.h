// An HSM key as an EVP_PKEY, so that X509_sign, X509_REQ_sign, X509_CRL_sign, OCSP_basic_sign and CMS work as
// libcrypto has them while the private key stays where it is.
//
// The provider lives in an OSSL_LIB_CTX of its own, beside libcrypto's default provider (digests, public
// keys) and never in the default context: SoftHSM uses that one, and a provider added there broke its login.
// Objects that are to be signed belong to context(): X509_new_ex(context(), nullptr) and the like.
//
// What the keys can do: EC P-256 and P-384 (ECDSA), RSA 2048 to 4096 (PKCS#1 v1.5, or PSS with MGF1 over the
// same hash and a salt as long as the digest), each with SHA-256, SHA-384 or SHA-512; Ed25519. The private
// half is never exported. An object that was just signed with such a key keeps it in its caches: encode it
// and parse it anew before verifying.
#pragma once

#include <openssl/types.h>

#include <functional>
#include <memory>
#include <string_view>

#include "appliance/base/result.h"
#include "keystore/openssl/handles.h"
#include "keystore/signing_key.h"

namespace sigillo {

// Thread-safe. Must outlive every key that it wrapped and every object made in its context.
class HsmProvider {
 public:
    // kInternal when libcrypto cannot load the providers.
    static Result<std::unique_ptr<HsmProvider>> create();
    ~HsmProvider();
    HsmProvider(const HsmProvider&) = delete;
    HsmProvider& operator=(const HsmProvider&) = delete;

    OSSL_LIB_CTX* context() const { return context_; }

    // The EVP_PKEY shares `key`. It may be used from several threads, as `key` may.
    // kInvalidArgument when the public half cannot be parsed or is of another algorithm than it says.
    Result<EvpKey> wrap(std::shared_ptr<SigningKey> key) const;

 private:
    HsmProvider() = default;
    OSSL_LIB_CTX* context_ = nullptr;   // owned
    OSSL_PROVIDER* default_ = nullptr;  // owned
    OSSL_PROVIDER* hsm_ = nullptr;      // owned
};

// Runs `call`, a libcrypto call that signs with a wrapped key; it answers true when libcrypto was content.
// A failure of the HSM comes back as the very Error of SigningKey::sign (kHsmRefused, kHsmFailed,
// kUnavailable, …), a request that the provider refuses (a digest below SHA-256, other PSS parameters) as
// kInvalidArgument, and anything else as kInternal with libcrypto's reason. libcrypto's error queue is empty
// on return. Only what happens on the calling thread inside `call` counts.
Status call_libcrypto(std::string_view what, const std::function<bool()>& call);

// libcrypto's first queued reason, e.g. "asn1 encoding routines::wrong tag"; empties the queue.
std::string take_libcrypto_reason();

}  // namespace sigillo
