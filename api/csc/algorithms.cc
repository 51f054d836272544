#include "api/csc/algorithms.h"

#include <array>

namespace sigillo::api::csc {
namespace {

constexpr std::string_view kRsa = "1.2.840.113549.1.1.1";
constexpr std::string_view kPssOid = "1.2.840.113549.1.1.10";
constexpr std::array<std::string_view, 8> kAll = {
    "1.2.840.10045.4.3.2",    // ecdsa-with-SHA256
    "1.2.840.10045.4.3.3",    // ecdsa-with-SHA384
    "1.2.840.10045.4.3.4",    // ecdsa-with-SHA512
    kRsa,                     // rsaEncryption: PKCS#1 v1.5, hash by hashAlgorithmOID
    "1.2.840.113549.1.1.11",  // sha256WithRSAEncryption
    "1.2.840.113549.1.1.12",  // sha384WithRSAEncryption
    "1.2.840.113549.1.1.13",  // sha512WithRSAEncryption
    kPssOid,                  // id-RSASSA-PSS, hash by signAlgoParams
};
constexpr std::span<const std::string_view> kEcdsa{kAll.data(), 3};
constexpr std::span<const std::string_view> kRsaFamily{kAll.data() + 3, 5};
constexpr std::array kHashes = {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512};

Bytes tlv(std::uint8_t tag, ByteView content) {
    Bytes out{tag, static_cast<std::uint8_t>(content.size())};  // all of ours are shorter than 128
    append(out, content);
    return out;
}

// AlgorithmIdentifier of 2.16.840.1.101.3.4.2.{1,2,3}
Bytes hash_identifier(HashAlgorithm hash, bool with_null) {
    Bytes content{
        0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, static_cast<std::uint8_t>(hash)};
    if (with_null) append(content, Bytes{0x05, 0x00});
    return tlv(0x30, content);
}

Bytes pss_params(HashAlgorithm hash, bool hash_null, bool mgf_null) {
    constexpr std::array<std::uint8_t, 11> kMgf1 = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                                    0xf7, 0x0d, 0x01, 0x01, 0x08};
    const Bytes mgf = tlv(0x30, concat(kMgf1, hash_identifier(hash, mgf_null)));
    const Bytes salt{0x02, 0x01, static_cast<std::uint8_t>(digest_size(hash))};
    return tlv(0x30, concat(tlv(0xa0, hash_identifier(hash, hash_null)), tlv(0xa1, mgf), tlv(0xa2, salt)));
}

}  // namespace

std::optional<SignAlgorithm> sign_algorithm(std::string_view oid) {
    for (std::size_t i = 0; i < kHashes.size(); ++i) {
        if (oid == kEcdsa[i]) return SignAlgorithm{Padding::kNone, kHashes[i]};
        if (oid == kRsaFamily[i + 1]) return SignAlgorithm{Padding::kPkcs1v15, kHashes[i]};
    }
    if (oid == kRsa) return SignAlgorithm{Padding::kPkcs1v15, std::nullopt};
    if (oid == kPssOid) return SignAlgorithm{Padding::kPss, std::nullopt};
    return std::nullopt;
}

std::optional<HashAlgorithm> pss_hash(ByteView der) {
    for (const auto hash : kHashes)
        for (const bool hash_null : {true, false})
            for (const bool mgf_null : {true, false})
                if (equal(der, pss_params(hash, hash_null, mgf_null))) return hash;
    return std::nullopt;
}

std::optional<KeyDescription> key_description(std::string_view key) {
    if (key == "EC-P256") return KeyDescription{kEcdsa, 256, "1.2.840.10045.3.1.7"};
    if (key == "EC-P384") return KeyDescription{kEcdsa, 384, "1.3.132.0.34"};
    if (key == "RSA-2048") return KeyDescription{kRsaFamily, 2048, {}};
    if (key == "RSA-3072") return KeyDescription{kRsaFamily, 3072, {}};
    if (key == "RSA-4096") return KeyDescription{kRsaFamily, 4096, {}};
    return std::nullopt;
}

std::span<const std::string_view> all_sign_algorithms() {
    return kAll;
}

}  // namespace sigillo::api::csc
