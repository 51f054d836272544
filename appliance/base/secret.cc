#include "appliance/base/secret.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <new>
#include <utility>

namespace sigillo {

SecretBytes::SecretBytes(std::size_t size) {
    if (size == 0) return;
    data_ = static_cast<std::uint8_t*>(OPENSSL_zalloc(size));
    if (data_ == nullptr) throw std::bad_alloc();
    size_ = size;
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
    SecretBytes secret(bytes.size());
    std::ranges::copy(bytes, secret.data_);
    return secret;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
        release();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

SecretBytes::~SecretBytes() {
    release();
}

void SecretBytes::release() noexcept {
    OPENSSL_clear_free(data_, size_);
    data_ = nullptr;
    size_ = 0;
}

void cleanse(std::string& text) {
    OPENSSL_cleanse(text.data(), text.size());
    text.clear();
}

void cleanse(Bytes& bytes) {
    OPENSSL_cleanse(bytes.data(), bytes.size());
    bytes.clear();
}

}  // namespace sigillo
