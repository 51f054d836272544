// One signature by C_SignInit and C_Sign: which mechanism gets what, and what its answer must look like.
#pragma once

#include <array>
#include <cstddef>

#include "appliance/base/result.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/pkcs11/module.h"
#include "keystore/pkcs11/outcome.h"
#include "keystore/signing_key.h"

namespace sigillo::pkcs11 {

// The bytes that C_Sign gave. Larger than any signature of ours, so that a token's wrong answer is seen, not
// taken for a small buffer.
struct RawSignature {
    std::array<CK_BYTE, 1024> bytes;
    CK_ULONG size = 0;
    ByteView view() const { return {bytes.data(), size}; }
};

void cleanse(RawSignature& raw);  // where it is a MAC

// What C_Sign is given for a digest. Not copied: the mechanism points into the request.
class SignRequest {
 public:
    // `scheme` must fit `algorithm` and `digest`.
    SignRequest(KeyAlgorithm algorithm, SignatureScheme scheme, const Digest& digest);
    SignRequest(const SignRequest&) = delete;
    SignRequest& operator=(const SignRequest&) = delete;

    const CK_MECHANISM& mechanism() const { return mechanism_; }
    ByteView input() const { return {input_.data(), input_size_}; }

 private:
    void put(ByteView bytes);
    CK_MECHANISM mechanism_{};
    CK_RSA_PKCS_PSS_PARAMS pss_{};
    std::array<CK_BYTE, 96> input_{};  // the longest is a DigestInfo with SHA-512: 83
    std::size_t input_size_ = 0;
};

// Length of the token's answer: r ‖ s for ECDSA, the modulus' length for RSA, 64 for Ed25519.
std::size_t raw_signature_size(KeyAlgorithm algorithm);

// Whatever length comes back is left to the caller to judge.
Outcome raw_sign(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                 const CK_MECHANISM& mechanism, ByteView input, RawSignature& out);

// The signature as the field wants it: ECDSA in DER, the rest as it is. kHsmFailed when it cannot be one.
Result<Bytes> encoded_signature(KeyAlgorithm algorithm, ByteView raw);

// Lets `key` sign a `challenge` of 32 random bytes and checks with libcrypto: `good` tells whether `claimed`
// is its public half. For EC and Ed25519.
Outcome prove_possession(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                         const PublicKey& claimed, ByteView challenge, bool& good);

}  // namespace sigillo::pkcs11
