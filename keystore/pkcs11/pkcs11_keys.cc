#include "keystore/pkcs11/pkcs11_keys.h"

namespace sigillo::pkcs11 {

Result<Bytes> TokenKey::sign(SignatureScheme scheme, const Digest& digest) {
    if (!fits(public_key_.algorithm, scheme) || digest.algorithm() != scheme.hash)
        return fail(Errc::kInvalidArgument, "signature scheme does not fit the key or the digest");
    const SignRequest request(public_key_.algorithm, scheme, digest);
    return sign_with(request.mechanism(), request.input());
}

Result<Bytes> TokenKey::sign_message(ByteView message) {
    if (public_key_.algorithm != KeyAlgorithm::kEd25519)
        return fail(Errc::kInvalidArgument, "only an Ed25519 key signs whole messages");
    return sign_with({CKM_EDDSA, nullptr, 0}, message);
}

Result<Bytes> TokenKey::sign_with(const CK_MECHANISM& mechanism, ByteView input) {
    prepare();
    TokenConnection& token = connection();
    Bytes signature;
    SIGILLO_TRY(
        token.run(Where::kPool, CallKind::kShort, [&](CK_SESSION_HANDLE session, std::uint64_t generation) {
            const auto key = handle(generation);
            if (!key)
                return Outcome::wrong(
                    {Errc::kUnavailable, "the key went with its HSM session; it must be unwrapped anew"});
            RawSignature raw;
            Outcome outcome = raw_sign(token.module(), session, *key, mechanism, input, raw);
            if (outcome.rv != CKR_OK || outcome.error) return outcome;
            auto encoded = encoded_signature(public_key_.algorithm, raw.view());
            if (!encoded) return Outcome::wrong(std::move(encoded).error());
            signature = *std::move(encoded);
            return outcome;
        }));
    return signature;
}

}  // namespace sigillo::pkcs11
