#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <utility>

#include "keystore/p256_table.h"
#include "keystore/signing_key.h"

namespace sigillo {

namespace {

// The DER before an uncompressed point on a named curve (RFC 5480 §2): what an HSM's EC keys look like.
constexpr std::uint8_t kP256Header[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
                                        0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                        0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
constexpr std::uint8_t kP384Header[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86,
                                        0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B,
                                        0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};

// A curve without a point. Made once, never freed: it serves until the process ends.
EVP_PKEY* curve_parameters(const char* group) {
    EVP_PKEY* parameters = nullptr;
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
    if (context == nullptr || EVP_PKEY_paramgen_init(context) != 1 ||
        EVP_PKEY_CTX_set_group_name(context, group) != 1 || EVP_PKEY_paramgen(context, &parameters) != 1)
        parameters = nullptr;
    EVP_PKEY_CTX_free(context);
    return parameters;
}

// OpenSSL 3.0's decoder takes 115 µs for an EC key, more than the verification that follows; setting the
// point into a copy of its curve takes 5 µs and checks, as the decoder does, that the point is on it.
// nullptr: leave it to the decoder.
EVP_PKEY* parse_ec(ByteView spki, ByteView header, EVP_PKEY* parameters, std::size_t point_size) {
    if (parameters == nullptr || spki.size() != header.size() + point_size ||
        !equal(spki.first(header.size()), header))
        return nullptr;
    const ByteView point = spki.subspan(header.size());
    EVP_PKEY* key = EVP_PKEY_new();
    if (key != nullptr && EVP_PKEY_copy_parameters(key, parameters) == 1 &&
        EVP_PKEY_set1_encoded_public_key(key, point.data(), point.size()) == 1)
        return key;
    EVP_PKEY_free(key);
    return nullptr;
}

EVP_PKEY* parse(const PublicKey& key) {
    static EVP_PKEY* const p256 = curve_parameters("P-256");
    static EVP_PKEY* const p384 = curve_parameters("P-384");
    EVP_PKEY* parsed = nullptr;
    if (key.algorithm == KeyAlgorithm::kEcP256) parsed = parse_ec(key.spki, kP256Header, p256, 65);
    if (key.algorithm == KeyAlgorithm::kEcP384) parsed = parse_ec(key.spki, kP384Header, p384, 97);
    if (parsed != nullptr) return parsed;
    const unsigned char* cursor = key.spki.data();
    parsed = d2i_PUBKEY(nullptr, &cursor, static_cast<long>(key.spki.size()));
    if (parsed != nullptr && cursor == key.spki.data() + key.spki.size()) return parsed;
    EVP_PKEY_free(parsed);
    return nullptr;
}

}  // namespace

Result<Verifier> Verifier::create(const PublicKey& key) {
    EVP_PKEY* parsed = parse(key);
    if (parsed == nullptr) {
        ERR_clear_error();
        return fail(Errc::kInvalidArgument, "SubjectPublicKeyInfo cannot be parsed");
    }
    ERR_clear_error();
    Verifier verifier(parsed);
    verifier.algorithm_ = key.algorithm;
    return verifier;
}

Result<Verifier> Verifier::create_for_many(const PublicKey& key) {
    SIGILLO_ASSIGN(Verifier verifier, create(key));
    if (key.algorithm == KeyAlgorithm::kEcP256 && key.spki.size() > std::size(kP256Header) &&
        equal(ByteView(key.spki).first(std::size(kP256Header)), kP256Header))
        verifier.table_ = P256Table::create(ByteView(key.spki).subspan(std::size(kP256Header)));
    return verifier;
}

Verifier::Verifier(Verifier&& other) noexcept
    : key_(std::exchange(other.key_, nullptr)),
      algorithm_(other.algorithm_),
      table_(std::move(other.table_)) {}

Verifier& Verifier::operator=(Verifier&& other) noexcept {
    std::swap(key_, other.key_);
    std::swap(algorithm_, other.algorithm_);
    std::swap(table_, other.table_);
    return *this;
}

Verifier::~Verifier() {
    EVP_PKEY_free(static_cast<EVP_PKEY*>(key_));
}

Result<bool> Verifier::verify(SignatureScheme scheme, const Digest& digest, ByteView signature) const {
    if (!fits(algorithm_, scheme) || digest.algorithm() != scheme.hash)
        return fail(Errc::kInvalidArgument, "signature scheme does not fit the key");
    if (table_) {
        const P256Table::Verdict verdict = table_->verify(digest.bytes(), signature);
        if (verdict == P256Table::Verdict::kFault)
            return fail(Errc::kInternal, "libcrypto could not verify a signature");
        return verdict == P256Table::Verdict::kHolds;
    }
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
