// What the files of the provider share. Not for others: hsm_provider.h is the public face.
#pragma once

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include <memory>

#include "appliance/base/result.h"
#include "keystore/openssl/handles.h"
#include "keystore/signing_key.h"

namespace sigillo {

inline constexpr const char* kHsmProviderName = "sigillo-hsm";
inline constexpr const char* kHsmProviderQuery = "provider=sigillo-hsm";
// The parameter by which wrap() hands a key in: the bytes of a `const std::shared_ptr<SigningKey>*`. Only
// code of this process that holds the private library context can pass it.
inline constexpr const char* kSigningKeyParameter = "sigillo-signing-key";

// One for each kind of key, by libcrypto's names.
enum class KeyKind : std::uint8_t { kEc, kRsa, kEd25519 };

KeyKind kind_of(KeyAlgorithm algorithm);
const char* kind_name(KeyKind kind);  // "EC", "RSA", "ED25519"
// Names of our own, so that a fetch by name can find no other provider's implementation.
const char* kind_signature_name(KeyKind kind);  // "SIGILLO-ECDSA", …

struct ProviderContext {
    OSSL_LIB_CTX* library = nullptr;  // borrowed: the context that the provider is loaded into
};

// libcrypto's "keydata". The public half is an ordinary key of the default provider: parameters, comparison
// and encoding are left to it.
struct ProviderKey {
    const ProviderContext* provider = nullptr;
    KeyKind kind = KeyKind::kEc;
    EvpKey public_half;                   // null until imported
    std::shared_ptr<SigningKey> signing;  // null for a public key that was brought here to be compared
};

// Leaves `error` for the call_libcrypto() that is running on this thread.
void record_signing_error(Error error) noexcept;

extern const OSSL_ALGORITHM kKeyManagementAlgorithms[];
extern const OSSL_ALGORITHM kSignatureAlgorithms[];

// Callbacks are entered from C: nothing may be thrown through it. An exception becomes `kInternal` and
// `otherwise`.
template <class T, class Body>
T guarded(T otherwise, Body&& body) noexcept {
    try {
        return body();
    } catch (...) {
        record_signing_error(Error{Errc::kInternal, "exception in the libcrypto provider", {}, 0});
        return otherwise;
    }
}

}  // namespace sigillo
