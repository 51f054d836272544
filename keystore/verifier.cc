#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <utility>

#include "keystore/signing_key.h"

namespace sigillo {

Result<Verifier> Verifier::create(const PublicKey& key) {
    const unsigned char* cursor = key.spki.data();
    EVP_PKEY* parsed = d2i_PUBKEY(nullptr, &cursor, static_cast<long>(key.spki.size()));
    if (parsed == nullptr || cursor != key.spki.data() + key.spki.size()) {
        EVP_PKEY_free(parsed);
        ERR_clear_error();
        return fail(Errc::kInvalidArgument, "SubjectPublicKeyInfo cannot be parsed");
    }
    Verifier verifier(parsed);
    verifier.algorithm_ = key.algorithm;
    return verifier;
}

Verifier::Verifier(Verifier&& other) noexcept
    : key_(std::exchange(other.key_, nullptr)), algorithm_(other.algorithm_) {}

Verifier& Verifier::operator=(Verifier&& other) noexcept {
    std::swap(key_, other.key_);
    std::swap(algorithm_, other.algorithm_);
    return *this;
}

Verifier::~Verifier() { EVP_PKEY_free(static_cast<EVP_PKEY*>(key_)); }

Result<bool> Verifier::verify(SignatureScheme scheme, const Digest& digest, ByteView signature) const {
    if (!fits(algorithm_, scheme) || digest.algorithm() != scheme.hash)
        return fail(Errc::kInvalidArgument, "signature scheme does not fit the key");
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(static_cast<EVP_PKEY*>(key_), nullptr);
    const EVP_MD* md = scheme.hash == HashAlgorithm::kSha256   ? EVP_sha256()
                       : scheme.hash == HashAlgorithm::kSha384 ? EVP_sha384()
                                                               : EVP_sha512();
    bool ready = context != nullptr && EVP_PKEY_verify_init(context) == 1 &&
                 EVP_PKEY_CTX_set_signature_md(context, md) == 1;
    if (ready && scheme.padding == SignaturePadding::kPkcs1v15)
        ready = EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    if (ready && scheme.padding == SignaturePadding::kPss)
        ready = EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
    const ByteView value = digest.bytes();
    const int verdict =
        ready ? EVP_PKEY_verify(context, signature.data(), signature.size(), value.data(), value.size()) : -1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (!ready) return fail(Errc::kInternal, "libcrypto refused the verification parameters");
    return verdict == 1;
}

}  // namespace sigillo
