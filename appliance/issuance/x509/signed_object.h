// Signs what libcrypto built and makes sure of the result before anybody sees it. Not for others.
#pragma once

#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"
#include "appliance/issuance/x509/x509_internal.h"
#include "keystore/openssl/hsm_provider.h"
#include "keystore/signing_key.h"

namespace sigillo {

// A key with what its signatures are made and verified by. Thread-safe after construction.
struct Signer {
    EvpKey hsm_key;
    Verifier verifier;
    SignatureScheme scheme;

    // kInvalidArgument for Ed25519 (no certificates here are signed with it) or a public key that does not
    // parse.
    static Result<Signer> create(const HsmProvider& provider, std::shared_ptr<SigningKey> key);
    const EVP_MD* digest() const;
};

// Certificates, lists and requests are all SEQUENCE { what is signed, AlgorithmIdentifier, BIT STRING }.
// Verifies the very octets of `der`, with nothing of libcrypto's object, whose caches know the HSM key.
// kHsmFailed when the signature does not hold or names another algorithm than was asked for.
Status verify_signed(ByteView der, const Signer& signer, std::string_view what);

// The DER of `object`, signed and verified. Errors: SigningKey::sign's, and kHsmFailed as above.
template <class T>
Result<Bytes> sign_object(T* object, int (*sign)(T*, EVP_PKEY*, const EVP_MD*),
                          int (*encode)(const T*, unsigned char**), const Signer& signer,
                          std::string_view what) {
    SIGILLO_TRY(
        call_libcrypto(what, [&] { return sign(object, signer.hsm_key.get(), signer.digest()) > 0; }));
    SIGILLO_ASSIGN(Bytes der, encode_der<T>(object, encode));
    SIGILLO_TRY(verify_signed(der, signer, what));
    return der;
}

}  // namespace sigillo
