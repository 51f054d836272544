#include "tests/support/software_key.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <map>
#include <stdexcept>

namespace sigillo::testing {
namespace {

void must(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

EVP_PKEY* make(KeyAlgorithm algorithm) {
    if (is_rsa(algorithm)) return EVP_RSA_gen(key_bits(algorithm));
    if (algorithm == KeyAlgorithm::kEd25519) return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    return EVP_EC_gen(algorithm == KeyAlgorithm::kEcP256 ? "P-256" : "P-384");
}

const EVP_MD* md_of(HashAlgorithm hash) {
    return hash == HashAlgorithm::kSha256   ? EVP_sha256()
           : hash == HashAlgorithm::kSha384 ? EVP_sha384()
                                            : EVP_sha512();
}

}  // namespace

std::shared_ptr<SoftwareKey> SoftwareKey::generate(KeyAlgorithm algorithm) {
    std::shared_ptr<SoftwareKey> made(new SoftwareKey);
    EVP_PKEY* key = make(algorithm);
    must(key != nullptr, "key generation");
    made->key_ = key;
    made->public_key_.algorithm = algorithm;
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    must(size > 0, "i2d_PUBKEY");
    made->public_key_.spki.assign(der, der + size);
    OPENSSL_free(der);
    return made;
}

std::shared_ptr<SoftwareKey> SoftwareKey::shared(KeyAlgorithm algorithm) {
    static std::mutex mutex;
    static std::map<KeyAlgorithm, std::shared_ptr<SoftwareKey>> keys;
    const std::lock_guard lock(mutex);
    auto& key = keys[algorithm];
    if (key == nullptr) key = generate(algorithm);
    return key;
}

SoftwareKey::~SoftwareKey() {
    EVP_PKEY_free(static_cast<EVP_PKEY*>(key_));
}

void SoftwareKey::fail_with(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
}

std::optional<Error> SoftwareKey::fault() {
    ++calls_;
    const std::lock_guard lock(mutex_);
    return error_;
}

Bytes SoftwareKey::damaged(Bytes signature) const {
    if (corrupt_ && !signature.empty()) signature.back() ^= 1U;
    return signature;
}

Result<Bytes> SoftwareKey::sign(SignatureScheme scheme, const Digest& digest) {
    if (auto error = fault()) return std::unexpected(*std::move(error));
    if (!fits(public_key_.algorithm, scheme) || digest.algorithm() != scheme.hash)
        return fail(Errc::kInvalidArgument, "signature scheme does not fit the key");
    const std::unique_ptr<EVP_PKEY_CTX, decltype([](EVP_PKEY_CTX* c) { EVP_PKEY_CTX_free(c); })> context(
        EVP_PKEY_CTX_new(static_cast<EVP_PKEY*>(key_), nullptr));
    must(EVP_PKEY_sign_init(context.get()) == 1, "EVP_PKEY_sign_init");
    must(EVP_PKEY_CTX_set_signature_md(context.get(), md_of(scheme.hash)) == 1, "set_signature_md");
    if (scheme.padding == SignaturePadding::kPkcs1v15)
        must(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1, "set_rsa_padding");
    if (scheme.padding == SignaturePadding::kPss) {
        must(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) == 1, "set_rsa_padding");
        must(EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1,
             "set_rsa_pss_saltlen");
    }
    const ByteView value = digest.bytes();
    Bytes signature(static_cast<std::size_t>(EVP_PKEY_get_size(static_cast<EVP_PKEY*>(key_))));
    std::size_t size = signature.size();
    must(EVP_PKEY_sign(context.get(), signature.data(), &size, value.data(), value.size()) == 1,
         "EVP_PKEY_sign");
    signature.resize(size);
    return damaged(std::move(signature));
}

Result<Bytes> SoftwareKey::sign_message(ByteView message) {
    if (auto error = fault()) return std::unexpected(*std::move(error));
    if (public_key_.algorithm != KeyAlgorithm::kEd25519)
        return fail(Errc::kInvalidArgument, "only Ed25519 keys sign messages");
    const std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* c) { EVP_MD_CTX_free(c); })> context(
        EVP_MD_CTX_new());
    must(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, static_cast<EVP_PKEY*>(key_)) == 1,
         "EVP_DigestSignInit");
    Bytes signature(64);
    std::size_t size = signature.size();
    must(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1,
         "EVP_DigestSign");
    return damaged(std::move(signature));
}

}  // namespace sigillo::testing
