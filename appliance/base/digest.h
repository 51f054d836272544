// Digests with their algorithm, SHA-2, HMAC and HKDF by libcrypto.
// Pure functions; safe from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"
#include "appliance/base/secret.h"

namespace sigillo {

enum class HashAlgorithm : std::uint8_t { kSha256 = 1, kSha384 = 2, kSha512 = 3 };

std::size_t digest_size(HashAlgorithm algorithm);     // bytes: 32, 48, 64
std::string_view hash_name(HashAlgorithm algorithm);  // "SHA256", as libcrypto spells it
std::string_view hash_oid(HashAlgorithm algorithm);   // "2.16.840.1.101.3.4.2.1"
std::optional<HashAlgorithm> hash_from_oid(std::string_view oid);

// A digest whose length fits its algorithm: the DTBS/R when a signer authorises it.
class Digest {
 public:
    // kInvalidArgument when the length is not digest_size(algorithm).
    static Result<Digest> create(HashAlgorithm algorithm, ByteView value);
    HashAlgorithm algorithm() const { return algorithm_; }
    ByteView bytes() const { return {value_.data(), digest_size(algorithm_)}; }
    friend bool operator==(const Digest&, const Digest&) = default;

 private:
    Digest() = default;
    HashAlgorithm algorithm_ = HashAlgorithm::kSha256;
    std::array<std::uint8_t, 64> value_{};
};

using Sha256Value = std::array<std::uint8_t, 32>;

Sha256Value sha256(ByteView bytes);
// SHA-256 over the concatenation, without building it.
Sha256Value sha256(std::initializer_list<ByteView> parts);
Digest digest_of(HashAlgorithm algorithm, ByteView bytes);

// A digest over what comes in pieces. Not thread-safe.
class Hasher {
 public:
    explicit Hasher(HashAlgorithm algorithm);
    Hasher(const Hasher&) = delete;
    Hasher& operator=(const Hasher&) = delete;
    ~Hasher();
    void update(ByteView bytes);
    // Of all that came so far; more may come.
    Digest digest() const;

 private:
    const HashAlgorithm algorithm_;
    void* context_;  // EVP_MD_CTX, owned
};

Sha256Value hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);

// A key of HMAC-SHA-256 that much is done with: what depends on the key alone is computed once, half of a
// short message's cost. Move-only; thread-safe.
class HmacKey {
 public:
    explicit HmacKey(ByteView key);
    Sha256Value mac(std::initializer_list<ByteView> parts) const;

 private:
    SecretBytes states_;  // of the hash after the inner and the outer pad
};

// RFC 5869 with SHA-256; `size` bytes of output, at most 255 × 32.
SecretBytes hkdf_sha256(ByteView key, ByteView salt, std::string_view info, std::size_t size);

}  // namespace sigillo
