// A private key that can be used but not read.
#pragma once

#include <memory>

#include "appliance/base/result.h"
#include "keystore/algorithms.h"

namespace sigillo {

// Thread-safe. Destroying the object destroys a session key in the HSM; it never destroys a token key.
class SigningKey {
 public:
    virtual ~SigningKey() = default;
    virtual const PublicKey& public_key() const = 0;

    // One signature over a digest, in the encoding of X.509 and CMS: ECDSA as DER ECDSA-Sig-Value (RFC 3279
    // §2.2.3), RSA as the octet string of the modulus' length.
    // Errors: kInvalidArgument (scheme does not fit the key, or digest not scheme.hash), kHsmRefused (the HSM
    // said no: nothing was signed), kHsmFailed (outcome open), kUnavailable (no session within the
    // configured wait, or the token is gone: the HSM was not asked).
    virtual Result<Bytes> sign(SignatureScheme scheme, const Digest& digest) = 0;

    // Ed25519 (RFC 8032) over a whole message: 64 bytes. kInvalidArgument for any other key.
    virtual Result<Bytes> sign_message(ByteView message) = 0;
};

// Checks a signature with libcrypto alone, no HSM: true, or false when it does not hold.
// Errors: kInvalidArgument for a public key that cannot be parsed or a scheme that does not fit.
// A Verifier parses the key once; thread-safe.
class Verifier {
 public:
    static Result<Verifier> create(const PublicKey& key);
    // The same for a key that lives long: with P-256 it takes some 20 ms and 150 KiB more to make, and
    // verifies in half the time (p256_table.h).
    static Result<Verifier> create_for_many(const PublicKey& key);
    Verifier(Verifier&&) noexcept;
    Verifier& operator=(Verifier&&) noexcept;
    ~Verifier();
    Result<bool> verify(SignatureScheme scheme, const Digest& digest, ByteView signature) const;

 private:
    struct State;
    explicit Verifier(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sigillo
