// SHA256_Init() and its like, deprecated since 3.0, are SHA-256 itself. Around them the library's EVP layer
// costs as much again for what is hashed here, some hundred bytes a time, and has no cheap copy of a state.
// Another digest than SHA-256 is rare, and goes by EVP.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "appliance/base/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace sigillo {
namespace {

// libcrypto's digests fail only for want of memory or a broken provider configuration: neither
// leaves anything sensible to do but to stop the request with an exception that sigillod's
// outermost handler turns into kInternal.
void must(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

struct MdContext {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    MdContext() { must(context != nullptr, "EVP_MD_CTX_new"); }
    ~MdContext() { EVP_MD_CTX_free(context); }
    MdContext(const MdContext&) = delete;
    MdContext& operator=(const MdContext&) = delete;
};

// Fetched once: an implicit fetch a digest costs more than hashing a short leaf does.
const EVP_MD* md_of(HashAlgorithm algorithm) {
    static EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    static EVP_MD* const kSha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
    static EVP_MD* const kSha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
    switch (algorithm) {
        case HashAlgorithm::kSha256:
            return kSha256;
        case HashAlgorithm::kSha384:
            return kSha384;
        case HashAlgorithm::kSha512:
            return kSha512;
    }
    return nullptr;
}

// Goes on from `state`, which is the caller's own copy.
Sha256Value finish(SHA256_CTX& state, std::initializer_list<ByteView> parts) {
    Sha256Value value;
    for (const ByteView part : parts)
        must(SHA256_Update(&state, part.data(), part.size()) == 1, "SHA256_Update");
    must(SHA256_Final(value.data(), &state) == 1, "SHA256_Final");
    return value;
}

SHA256_CTX state_after(ByteView block) {
    SHA256_CTX state;
    must(SHA256_Init(&state) == 1 && SHA256_Update(&state, block.data(), block.size()) == 1, "SHA256_Init");
    return state;
}

void hash_into(HashAlgorithm algorithm, std::initializer_list<ByteView> parts, std::uint8_t* out) {
    thread_local MdContext md;
    must(EVP_DigestInit_ex2(md.context, md_of(algorithm), nullptr) == 1, "EVP_DigestInit_ex2");
    for (const ByteView part : parts)
        must(EVP_DigestUpdate(md.context, part.data(), part.size()) == 1, "EVP_DigestUpdate");
    must(EVP_DigestFinal_ex(md.context, out, nullptr) == 1, "EVP_DigestFinal_ex");
}

}  // namespace

std::size_t digest_size(HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::kSha256:
            return 32;
        case HashAlgorithm::kSha384:
            return 48;
        case HashAlgorithm::kSha512:
            return 64;
    }
    return 0;
}

std::string_view hash_name(HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::kSha256:
            return "SHA256";
        case HashAlgorithm::kSha384:
            return "SHA384";
        case HashAlgorithm::kSha512:
            return "SHA512";
    }
    return "";
}

std::string_view hash_oid(HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::kSha256:
            return "2.16.840.1.101.3.4.2.1";
        case HashAlgorithm::kSha384:
            return "2.16.840.1.101.3.4.2.2";
        case HashAlgorithm::kSha512:
            return "2.16.840.1.101.3.4.2.3";
    }
    return "";
}

std::optional<HashAlgorithm> hash_from_oid(std::string_view oid) {
    for (const auto algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        if (oid == hash_oid(algorithm)) return algorithm;
    return std::nullopt;
}

Result<Digest> Digest::create(HashAlgorithm algorithm, ByteView value) {
    if (digest_size(algorithm) == 0 || value.size() != digest_size(algorithm))
        return fail(Errc::kInvalidArgument, std::string(hash_name(algorithm)) + " digest of " +
                                                std::to_string(value.size()) + " bytes");
    Digest digest;
    digest.algorithm_ = algorithm;
    std::ranges::copy(value, digest.value_.begin());
    return digest;
}

Sha256Value sha256(ByteView bytes) {
    return sha256({bytes});
}

Sha256Value sha256(std::initializer_list<ByteView> parts) {
    SHA256_CTX state = state_after({});
    return finish(state, parts);
}

Digest digest_of(HashAlgorithm algorithm, ByteView bytes) {
    std::array<std::uint8_t, 64> value{};
    hash_into(algorithm, {bytes}, value.data());
    return *Digest::create(algorithm, ByteView(value.data(), digest_size(algorithm)));
}

Hasher::Hasher(HashAlgorithm algorithm) : algorithm_(algorithm), context_(EVP_MD_CTX_new()) {
    must(context_ != nullptr, "EVP_MD_CTX_new");
    must(EVP_DigestInit_ex2(static_cast<EVP_MD_CTX*>(context_), md_of(algorithm), nullptr) == 1,
         "EVP_DigestInit_ex2");
}

Hasher::~Hasher() {
    EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void Hasher::update(ByteView bytes) {
    must(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) == 1,
         "EVP_DigestUpdate");
}

Digest Hasher::digest() const {
    const MdContext copy;
    std::array<std::uint8_t, 64> value{};
    must(EVP_MD_CTX_copy_ex(copy.context, static_cast<EVP_MD_CTX*>(context_)) == 1, "EVP_MD_CTX_copy_ex");
    must(EVP_DigestFinal_ex(copy.context, value.data(), nullptr) == 1, "EVP_DigestFinal_ex");
    return *Digest::create(algorithm_, ByteView(value.data(), digest_size(algorithm_)));
}

Sha256Value hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
    return HmacKey(key).mac(parts);
}

// RFC 2104 over our own SHA-256: HMAC() of libcrypto 3.0 fetches at each call, three times the cost.
HmacKey::HmacKey(ByteView key) : states_(2 * sizeof(SHA256_CTX)) {
    std::array<std::uint8_t, SHA256_CBLOCK> inner{};
    std::array<std::uint8_t, SHA256_CBLOCK> outer{};
    if (key.size() > inner.size()) {
        std::ranges::copy(sha256(key), inner.begin());
    } else {
        std::ranges::copy(key, inner.begin());
    }
    for (std::size_t i = 0; i < inner.size(); ++i) {
        outer[i] = static_cast<std::uint8_t>(inner[i] ^ 0x5c);
        inner[i] ^= 0x36;
    }
    SHA256_CTX states[2] = {state_after(inner), state_after(outer)};
    std::memcpy(states_.expose_mutable().data(), states, sizeof states);
    OPENSSL_cleanse(states, sizeof states);
    OPENSSL_cleanse(inner.data(), inner.size());
    OPENSSL_cleanse(outer.data(), outer.size());
}

Sha256Value HmacKey::mac(std::initializer_list<ByteView> parts) const {
    SHA256_CTX states[2];
    std::memcpy(states, states_.expose().data(), sizeof states);
    const Sha256Value inner = finish(states[0], parts);
    const Sha256Value value = finish(states[1], {inner});
    OPENSSL_cleanse(states, sizeof states);
    return value;
}

SecretBytes hkdf_sha256(ByteView key, ByteView salt, std::string_view info, std::size_t size) {
    // RFC 5869 §2.2 and §2.3 over our own HMAC: libcrypto 3.0 fetches at each call, some ten times the cost.
    constexpr std::size_t kBlock = sizeof(Sha256Value);
    must(size <= 255 * kBlock, "HKDF");
    Sha256Value extracted = hmac_sha256(salt, {key});  // no salt: HMAC pads with the zeros that §2.2 wants
    Sha256Value block{};
    SecretBytes out(size);
    const std::span<std::uint8_t> target = out.expose_mutable();
    std::uint8_t number = 0;
    for (std::size_t done = 0; done < size; done += kBlock) {
        const ByteView before = number == 0 ? ByteView() : ByteView(block);
        ++number;
        block = hmac_sha256(extracted, {before, as_bytes(info), ByteView(&number, 1)});
        std::copy_n(block.begin(), std::min(kBlock, size - done),
                    target.begin() + static_cast<std::ptrdiff_t>(done));
    }
    OPENSSL_cleanse(extracted.data(), extracted.size());
    OPENSSL_cleanse(block.data(), block.size());
    return out;
}

}  // namespace sigillo
