#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <atomic>
#include <memory>
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

// A verification of one scheme, made ready: the half of the work that is the same for each signature.
struct Ready {
    SignatureScheme scheme;
    EVP_PKEY_CTX* context = nullptr;

    Ready(EVP_PKEY* key, SignatureScheme wanted) : scheme(wanted), context(EVP_PKEY_CTX_new(key, nullptr)) {}
    Ready(const Ready&) = delete;
    Ready& operator=(const Ready&) = delete;
    ~Ready() { EVP_PKEY_CTX_free(context); }

    // False: libcrypto refused.
    bool prepare() {
        const EVP_MD* md = scheme.hash == HashAlgorithm::kSha256   ? EVP_sha256()
                           : scheme.hash == HashAlgorithm::kSha384 ? EVP_sha384()
                                                                   : EVP_sha512();
        if (context == nullptr || EVP_PKEY_verify_init(context) != 1 ||
            EVP_PKEY_CTX_set_signature_md(context, md) != 1)
            return false;
        if (scheme.padding == SignaturePadding::kPkcs1v15)
            return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
        if (scheme.padding == SignaturePadding::kPss)
            return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) == 1 &&
                   EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
        return true;
    }
};

}  // namespace

struct Verifier::State {
    EVP_PKEY* key = nullptr;
    KeyAlgorithm algorithm = KeyAlgorithm::kEcP256;
    std::shared_ptr<const P256Table> table;  // or none
    std::atomic<Ready*> ready{nullptr};      // one, lent to whoever comes first

    explicit State(EVP_PKEY* parsed) : key(parsed) {}
    ~State() {
        delete ready.load();
        EVP_PKEY_free(key);
    }
};

Result<Verifier> Verifier::create(const PublicKey& key) {
    EVP_PKEY* parsed = parse(key);
    ERR_clear_error();
    if (parsed == nullptr) return fail(Errc::kInvalidArgument, "SubjectPublicKeyInfo cannot be parsed");
    auto state = std::make_unique<State>(parsed);
    state->algorithm = key.algorithm;
    return Verifier(std::move(state));
}

Result<Verifier> Verifier::create_for_many(const PublicKey& key) {
    SIGILLO_ASSIGN(Verifier verifier, create(key));
    if (key.algorithm == KeyAlgorithm::kEcP256 && key.spki.size() > std::size(kP256Header) &&
        equal(ByteView(key.spki).first(std::size(kP256Header)), kP256Header))
        verifier.state_->table = P256Table::create(ByteView(key.spki).subspan(std::size(kP256Header)));
    return verifier;
}

Verifier::Verifier(std::unique_ptr<State> state) : state_(std::move(state)) {}
Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;
Verifier::~Verifier() = default;

Result<bool> Verifier::verify(SignatureScheme scheme, const Digest& digest, ByteView signature) const {
    if (!fits(state_->algorithm, scheme) || digest.algorithm() != scheme.hash)
        return fail(Errc::kInvalidArgument, "signature scheme does not fit the key");
    if (state_->table) {
        const P256Table::Verdict verdict = state_->table->verify(digest.bytes(), signature);
        if (verdict == P256Table::Verdict::kFault)
            return fail(Errc::kInternal, "libcrypto could not verify a signature");
        return verdict == P256Table::Verdict::kHolds;
    }
    std::unique_ptr<Ready> ready(state_->ready.exchange(nullptr));
    if (!ready || ready->scheme != scheme) {
        ready = std::make_unique<Ready>(state_->key, scheme);
        if (!ready->prepare()) {
            ERR_clear_error();
            return fail(Errc::kInternal, "libcrypto refused the verification parameters");
        }
    }
    const ByteView value = digest.bytes();
    const int verdict =
        EVP_PKEY_verify(ready->context, signature.data(), signature.size(), value.data(), value.size());
    ERR_clear_error();
    // What has seen a bad signature is not lent again.
    if (verdict == 1) delete state_->ready.exchange(ready.release());
    return verdict == 1;
}

}  // namespace sigillo
