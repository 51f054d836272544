#include "keystore/pkcs11/raw_sign.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "keystore/pkcs11/der.h"

namespace sigillo::pkcs11 {
namespace {

CK_RSA_PKCS_PSS_PARAMS pss_params(HashAlgorithm hash) {
    switch (hash) {
        case HashAlgorithm::kSha256:
            return {CKM_SHA256, CKG_MGF1_SHA256, digest_size(hash)};
        case HashAlgorithm::kSha384:
            return {CKM_SHA384, CKG_MGF1_SHA384, digest_size(hash)};
        case HashAlgorithm::kSha512:
            return {CKM_SHA512, CKG_MGF1_SHA512, digest_size(hash)};
    }
    return {};
}

// Verifier is for digests only; the log key signs whole messages.
bool verifies_ed25519(const PublicKey& key, ByteView message, ByteView signature) {
    const unsigned char* cursor = key.spki.data();
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> parsed(
        d2i_PUBKEY(nullptr, &cursor, static_cast<long>(key.spki.size())), &EVP_PKEY_free);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    const bool good = parsed && context &&
                      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, parsed.get()) == 1 &&
                      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                                       message.size()) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace

SignRequest::SignRequest(KeyAlgorithm algorithm, SignatureScheme scheme, const Digest& digest) {
    if (is_ec(algorithm)) {
        mechanism_.mechanism = CKM_ECDSA;
        // FIPS 186-4 §6.4: the leftmost bits of a digest longer than the order. Tokens do it or refuse; so we
        // do it.
        put(digest.bytes().first(std::min<std::size_t>(digest.bytes().size(), key_bits(algorithm) / 8)));
    } else if (scheme.padding == SignaturePadding::kPss) {
        pss_ = pss_params(scheme.hash);
        mechanism_ = {CKM_RSA_PKCS_PSS, &pss_, sizeof pss_};
        put(digest.bytes());
    } else {
        mechanism_.mechanism = CKM_RSA_PKCS;
        put(digest_info(digest));
    }
}

void cleanse(RawSignature& raw) {
    OPENSSL_cleanse(raw.bytes.data(), raw.bytes.size());
}

void SignRequest::put(ByteView bytes) {
    std::ranges::copy(bytes, input_.begin());
    input_size_ = bytes.size();
}

std::size_t raw_signature_size(KeyAlgorithm algorithm) {
    if (algorithm == KeyAlgorithm::kEd25519) return 64;
    const std::size_t bytes = key_bits(algorithm) / 8;
    return is_rsa(algorithm) ? bytes : 2 * bytes;
}

Outcome raw_sign(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                 const CK_MECHANISM& mechanism, ByteView input, RawSignature& out) {
    CK_MECHANISM copy = mechanism;
    if (const CK_RV rv = module->C_SignInit(session, &copy, key); rv != CKR_OK)
        return Outcome::before(rv, "C_SignInit");
    out.size = out.bytes.size();
    const CK_RV rv = module->C_Sign(session, input_bytes(input), input.size(), out.bytes.data(), &out.size);
    if (rv == CKR_OK && out.size > out.bytes.size())
        return Outcome::wrong({Errc::kHsmFailed, "C_Sign claims a signature longer than the buffer"});
    return Outcome::after(rv, "C_Sign");
}

Result<Bytes> encoded_signature(KeyAlgorithm algorithm, ByteView raw) {
    if (raw.size() != raw_signature_size(algorithm))
        return fail(Errc::kHsmFailed,
                    "C_Sign answered CKR_OK with a signature of " + std::to_string(raw.size()) + " bytes");
    if (is_ec(algorithm)) return ecdsa_sig_value(raw);
    return to_bytes(raw);
}

Outcome prove_possession(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                         const PublicKey& claimed, ByteView challenge, bool& good) {
    good = false;
    RawSignature raw;
    if (claimed.algorithm == KeyAlgorithm::kEd25519) {
        Outcome outcome = raw_sign(module, session, key, {CKM_EDDSA, nullptr, 0}, challenge, raw);
        if (outcome.rv == CKR_OK && !outcome.error) good = verifies_ed25519(claimed, challenge, raw.view());
        return outcome;
    }
    auto digest = Digest::create(HashAlgorithm::kSha256, challenge);
    if (!digest) return Outcome::wrong(std::move(digest).error());
    auto verifier = Verifier::create(claimed);
    if (!verifier) return Outcome::wrong(std::move(verifier).error());
    const SignRequest request(claimed.algorithm, {}, *digest);
    Outcome outcome = raw_sign(module, session, key, request.mechanism(), request.input(), raw);
    if (outcome.rv != CKR_OK || outcome.error) return outcome;
    // A signature of another length comes from a key on another curve: no failure, only not this key.
    const auto signature = encoded_signature(claimed.algorithm, raw.view());
    if (!signature) return outcome;
    const auto verdict =
        verifier->verify({SignaturePadding::kNone, HashAlgorithm::kSha256}, *digest, *signature);
    good = verdict && *verdict;
    return outcome;
}

}  // namespace sigillo::pkcs11
