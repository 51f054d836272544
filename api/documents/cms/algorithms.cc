#include "api/documents/cms/algorithms.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>

#include "api/documents/cms/der.h"
#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/oids.h"
#include "keystore/algorithm_identifiers.h"

namespace sigillo::cms {
namespace {

constexpr std::array kHashes{HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512};
constexpr std::array kDigestOids{oid_element<2, 16, 840, 1, 101, 3, 4, 2, 1>(),
                                 oid_element<2, 16, 840, 1, 101, 3, 4, 2, 2>(),
                                 oid_element<2, 16, 840, 1, 101, 3, 4, 2, 3>()};
constexpr auto kRsaEncryption = oid_element<1, 2, 840, 113549, 1, 1, 1>();
constexpr std::array<std::uint8_t, 2> kNull{0x05, 0x00};

std::size_t index_of(HashAlgorithm hash) {
    return hash == HashAlgorithm::kSha256 ? 0 : hash == HashAlgorithm::kSha384 ? 1 : 2;
}

}  // namespace

std::optional<HashAlgorithm> hash_of(ByteView algorithm) {
    for (const HashAlgorithm hash : kHashes) {
        const auto& oid = kDigestOids[index_of(hash)];
        if (equal(algorithm, der_element(kDerSequence, {oid})) ||
            equal(algorithm, der_element(kDerSequence, {oid, kNull})))
            return hash;
    }
    return std::nullopt;
}

std::optional<SignatureScheme> scheme_of(ByteView digest_algorithm, ByteView algorithm) {
    const auto hash = hash_of(digest_algorithm);
    if (!hash) return std::nullopt;
    if (equal(algorithm, der_element(kDerSequence, {kRsaEncryption, kNull})))
        return SignatureScheme{SignaturePadding::kPkcs1v15, *hash};
    for (const SignaturePadding padding :
         {SignaturePadding::kNone, SignaturePadding::kPkcs1v15, SignaturePadding::kPss})
        if (const SignatureScheme scheme{padding, *hash}; equal(algorithm, signature_algorithm(scheme)))
            return scheme;
    return std::nullopt;
}

std::string algorithm_oid(ByteView algorithm) {
    const std::unique_ptr<X509_ALGOR, Freed<X509_ALGOR_free>> parsed =
        parse_der<std::unique_ptr<X509_ALGOR, Freed<X509_ALGOR_free>>>(d2i_X509_ALGOR, algorithm);
    if (parsed == nullptr) return {};
    const ASN1_OBJECT* oid = nullptr;
    X509_ALGOR_get0(&oid, nullptr, nullptr, parsed.get());
    return oid_text(oid);
}

bool signature_holds(EVP_PKEY* key, SignatureScheme scheme, ByteView message, ByteView signature) {
    const bool rsa = EVP_PKEY_is_a(key, "RSA") == 1;
    if (rsa == (scheme.padding == SignaturePadding::kNone) || (!rsa && EVP_PKEY_is_a(key, "EC") != 1))
        return false;
    const std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    const EVP_MD* const hash = EVP_get_digestbyname(std::string(hash_name(scheme.hash)).c_str());
    EVP_PKEY_CTX* parameters = nullptr;
    bool good =
        context != nullptr && EVP_DigestVerifyInit(context.get(), &parameters, hash, nullptr, key) == 1;
    if (good && scheme.padding == SignaturePadding::kPss)
        good = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
    good = good && EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                                    message.size()) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace sigillo::cms
