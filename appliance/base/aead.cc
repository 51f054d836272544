#include "appliance/base/aead.h"

#include <openssl/evp.h>

#include <limits>
#include <memory>

namespace sigillo {
namespace {

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

// Fetched once: an implicit fetch a message costs more than sealing a short one.
const EVP_CIPHER* aes_256_gcm() {
    static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    return kCipher;
}

bool sizes_fit(ByteView key, ByteView nonce, ByteView text, ByteView associated_data) {
    constexpr std::size_t kMost = std::numeric_limits<int>::max();
    return key.size() == kAeadKeySize && nonce.size() == kAeadNonceSize && text.size() <= kMost &&
           associated_data.size() <= kMost;
}

}  // namespace

Result<Bytes> aead_seal(ByteView key, ByteView nonce, ByteView plaintext, ByteView associated_data) {
    if (!sizes_fit(key, nonce, plaintext, associated_data))
        return fail(Errc::kInternal, "AES-256-GCM: wrong sizes");
    const Context context(EVP_CIPHER_CTX_new());
    Bytes out(plaintext.size() + kAeadTagSize);
    int size = 0;
    int rest = 0;
    const bool done =
        context && EVP_EncryptInit_ex(context.get(), aes_256_gcm(), nullptr, key.data(), nonce.data()) == 1 &&
        EVP_EncryptUpdate(context.get(), nullptr, &size, associated_data.data(),
                          static_cast<int>(associated_data.size())) == 1 &&
        EVP_EncryptUpdate(context.get(), out.data(), &size, plaintext.data(),
                          static_cast<int>(plaintext.size())) == 1 &&
        EVP_EncryptFinal_ex(context.get(), out.data() + size, &rest) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kAeadTagSize),
                            out.data() + plaintext.size()) == 1;
    if (!done) return fail(Errc::kInternal, "AES-256-GCM: libcrypto failed");
    return out;
}

Result<SecretBytes> aead_open(ByteView key, ByteView nonce, ByteView sealed, ByteView associated_data) {
    if (!sizes_fit(key, nonce, sealed, associated_data) || sealed.size() < kAeadTagSize)
        return fail(Errc::kCorrupt, "sealed bytes of the wrong size");
    const ByteView ciphertext = sealed.first(sealed.size() - kAeadTagSize);
    Bytes tag = to_bytes(sealed.last(kAeadTagSize));
    const Context context(EVP_CIPHER_CTX_new());
    SecretBytes plaintext(ciphertext.size());
    int size = 0;
    int rest = 0;
    const bool done =
        context && EVP_DecryptInit_ex(context.get(), aes_256_gcm(), nullptr, key.data(), nonce.data()) == 1 &&
        EVP_DecryptUpdate(context.get(), nullptr, &size, associated_data.data(),
                          static_cast<int>(associated_data.size())) == 1 &&
        EVP_DecryptUpdate(context.get(), plaintext.expose_mutable().data(), &size, ciphertext.data(),
                          static_cast<int>(ciphertext.size())) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kAeadTagSize),
                            tag.data()) == 1 &&
        EVP_DecryptFinal_ex(context.get(), plaintext.expose_mutable().data() + size, &rest) == 1;
    if (!done) return fail(Errc::kCorrupt, "sealed bytes do not open");
    return plaintext;
}

}  // namespace sigillo
