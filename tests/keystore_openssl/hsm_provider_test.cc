#include "keystore/openssl/hsm_provider.h"

#include <gtest/gtest.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/rsa.h>

#include <thread>

#include "tests/support/software_key.h"

namespace sigillo {
namespace {

using testing::SoftwareKey;

using CmsHandle = std::unique_ptr<CMS_ContentInfo, FreeWith<CMS_ContentInfo_free>>;
using OcspHandle = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;

EvpKey ordinary(const PublicKey& key) {
    const unsigned char* cursor = key.spki.data();
    return EvpKey(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(key.spki.size())));
}

class HsmProviderTest : public ::testing::Test {
 protected:
    void SetUp() override {
        auto created = HsmProvider::create();
        ASSERT_TRUE(created) << to_string(created.error());
        provider_ = *std::move(created);
    }

    // A certificate that `key` signs for itself; not signed yet.
    X509Handle draft(const PublicKey& key) const {
        X509Handle made(X509_new_ex(provider_->context(), nullptr));
        X509_set_version(made.get(), X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 7);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>("Test"), -1, -1, 0);
        X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
        X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
        X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
        X509_set_pubkey(made.get(), ordinary(key).get());
        return made;
    }

    static X509Handle parsed_again(const X509* certificate) {
        unsigned char* der = nullptr;
        const int size = i2d_X509(certificate, &der);
        const unsigned char* cursor = der;
        X509Handle again(d2i_X509(nullptr, &cursor, size));
        OPENSSL_free(der);
        return again;
    }

    X509Handle self_signed(const std::shared_ptr<SoftwareKey>& key, const EVP_MD* digest) const {
        auto wrapped = provider_->wrap(key);
        EXPECT_TRUE(wrapped) << to_string(wrapped.error());
        X509Handle made = draft(key->public_key());
        const Status done =
            call_libcrypto("test", [&] { return X509_sign(made.get(), wrapped->get(), digest) > 0; });
        EXPECT_TRUE(done) << to_string(done.error());
        return parsed_again(made.get());
    }

    std::unique_ptr<HsmProvider> provider_;
};

struct Case {
    KeyAlgorithm algorithm;
    const EVP_MD* (*digest)();
    int signature_nid;
};

class EveryKey : public HsmProviderTest, public ::testing::WithParamInterface<Case> {};

TEST_P(EveryKey, signs_a_certificate_that_an_ordinary_libcrypto_verifies) {
    const Case& c = GetParam();
    const auto key = SoftwareKey::shared(c.algorithm);
    const X509Handle certificate = self_signed(key, c.digest != nullptr ? c.digest() : nullptr);
    ASSERT_NE(certificate, nullptr);
    EXPECT_EQ(X509_get_signature_nid(certificate.get()), c.signature_nid);
    EXPECT_EQ(X509_verify(certificate.get(), ordinary(key->public_key()).get()), 1);
    const X509_ALGOR* outer = nullptr;
    X509_get0_signature(nullptr, &outer, certificate.get());
    EXPECT_EQ(X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(certificate.get())), 0);
}

TEST_P(EveryKey, signs_a_request_and_answers_for_its_public_half) {
    const Case& c = GetParam();
    const auto key = SoftwareKey::shared(c.algorithm);
    const auto wrapped = provider_->wrap(key);
    ASSERT_TRUE(wrapped);
    const X509RequestHandle request(X509_REQ_new_ex(provider_->context(), nullptr));
    // The HSM key itself, not a parsed public key: it has to be encoded by libcrypto.
    ASSERT_EQ(X509_REQ_set_pubkey(request.get(), wrapped->get()), 1);
    ASSERT_GT(X509_REQ_sign(request.get(), wrapped->get(), c.digest != nullptr ? c.digest() : nullptr), 0);
    unsigned char* der = nullptr;
    const int size = i2d_X509_REQ(request.get(), &der);
    ASSERT_GT(size, 0);
    const unsigned char* cursor = der;
    const X509RequestHandle again(d2i_X509_REQ(nullptr, &cursor, size));
    OPENSSL_free(der);
    EXPECT_EQ(X509_REQ_verify(again.get(), X509_REQ_get0_pubkey(again.get())), 1);
    EXPECT_EQ(EVP_PKEY_eq(X509_REQ_get0_pubkey(again.get()), ordinary(key->public_key()).get()), 1);
    EXPECT_EQ(EVP_PKEY_get_bits(wrapped->get()), EVP_PKEY_get_bits(ordinary(key->public_key()).get()));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, EveryKey,
    ::testing::Values(Case{KeyAlgorithm::kEcP256, EVP_sha256, NID_ecdsa_with_SHA256},
                      Case{KeyAlgorithm::kEcP256, EVP_sha512, NID_ecdsa_with_SHA512},
                      Case{KeyAlgorithm::kEcP384, EVP_sha384, NID_ecdsa_with_SHA384},
                      Case{KeyAlgorithm::kRsa2048, EVP_sha256, NID_sha256WithRSAEncryption},
                      Case{KeyAlgorithm::kRsa3072, EVP_sha384, NID_sha384WithRSAEncryption},
                      Case{KeyAlgorithm::kRsa4096, EVP_sha512, NID_sha512WithRSAEncryption},
                      Case{KeyAlgorithm::kEd25519, nullptr, NID_ED25519}));

TEST_F(HsmProviderTest, pss_writes_its_parameters_and_verifies) {
    for (const auto digest : {EVP_sha256, EVP_sha384, EVP_sha512}) {
        const auto key = SoftwareKey::shared(KeyAlgorithm::kRsa2048);
        const auto wrapped = provider_->wrap(key);
        ASSERT_TRUE(wrapped);
        const X509Handle made = draft(key->public_key());
        const EvpMdContext context(EVP_MD_CTX_new());
        EVP_PKEY_CTX* parameters = nullptr;
        ASSERT_EQ(EVP_DigestSignInit_ex(context.get(), &parameters, EVP_MD_get0_name(digest()),
                                        provider_->context(), nullptr, wrapped->get(), nullptr),
                  1);
        ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING), 1);
        ASSERT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST), 1);
        ASSERT_GT(X509_sign_ctx(made.get(), context.get()), 0);
        const X509Handle again = parsed_again(made.get());
        ASSERT_NE(again, nullptr);
        EXPECT_EQ(X509_get_signature_nid(again.get()), NID_rsassaPss);
        int md = NID_undef;
        ASSERT_EQ(X509_get_signature_info(again.get(), &md, nullptr, nullptr, nullptr), 1);
        EXPECT_EQ(md, EVP_MD_get_type(digest()));
        EXPECT_EQ(X509_verify(again.get(), ordinary(key->public_key()).get()), 1);
    }
}

TEST_F(HsmProviderTest, signs_revocation_lists_ocsp_answers_and_cms) {
    for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kRsa2048}) {
        const auto key = SoftwareKey::shared(algorithm);
        const auto wrapped = provider_->wrap(key);
        ASSERT_TRUE(wrapped);
        const EvpKey verifier = ordinary(key->public_key());
        const X509Handle certificate = self_signed(key, EVP_sha256());

        const X509CrlHandle list(X509_CRL_new_ex(provider_->context(), nullptr));
        X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate.get()));
        const Asn1Time now(ASN1_TIME_set(nullptr, 1'800'000'000));
        X509_CRL_set1_lastUpdate(list.get(), now.get());
        ASSERT_GT(X509_CRL_sign(list.get(), wrapped->get(), EVP_sha256()), 0);
        EXPECT_EQ(X509_CRL_verify(list.get(), verifier.get()), 1);

        const OcspHandle answer(OCSP_BASICRESP_new());
        const std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>> id(
            OCSP_cert_to_id(EVP_sha256(), certificate.get(), certificate.get()));
        OCSP_basic_add1_status(answer.get(), id.get(), V_OCSP_CERTSTATUS_GOOD, 0, nullptr, now.get(),
                               now.get());
        // Compares the certificate's key with the HSM's: keys of two providers.
        ASSERT_EQ(OCSP_basic_sign(answer.get(), certificate.get(), wrapped->get(), EVP_sha256(), nullptr, 0),
                  1);
        const X509_ALGOR* ocsp_algorithm = OCSP_resp_get0_tbs_sigalg(answer.get());
        EXPECT_NE(ocsp_algorithm, nullptr);

        const std::string text = "to be signed";
        const BioHandle content(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
        const CmsHandle cms(CMS_sign_ex(certificate.get(), wrapped->get(), nullptr, content.get(), CMS_BINARY,
                                        provider_->context(), nullptr));
        ASSERT_NE(cms, nullptr) << take_libcrypto_reason();
        unsigned char* der = nullptr;
        const int size = i2d_CMS_ContentInfo(cms.get(), &der);
        const unsigned char* cursor = der;
        const CmsHandle again(d2i_CMS_ContentInfo(nullptr, &cursor, size));
        OPENSSL_free(der);
        const BioHandle out(BIO_new(BIO_s_mem()));
        EXPECT_EQ(CMS_verify(again.get(), nullptr, nullptr, nullptr, out.get(), CMS_NO_SIGNER_CERT_VERIFY), 1)
            << take_libcrypto_reason();
    }
}

TEST_F(HsmProviderTest, raw_digest_signatures_verify) {
    const auto key = SoftwareKey::shared(KeyAlgorithm::kEcP256);
    const auto wrapped = provider_->wrap(key);
    ASSERT_TRUE(wrapped);
    const EvpKeyContext context(EVP_PKEY_CTX_new_from_pkey(provider_->context(), wrapped->get(), nullptr));
    ASSERT_EQ(EVP_PKEY_sign_init(context.get()), 1);
    ASSERT_EQ(EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()), 1);
    const Sha256Value digest = sha256(as_bytes("x"));
    std::size_t size = 0;
    ASSERT_EQ(EVP_PKEY_sign(context.get(), nullptr, &size, digest.data(), digest.size()), 1);
    Bytes signature(size);
    ASSERT_EQ(EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()), 1);
    signature.resize(size);
    const auto verifier = Verifier::create(key->public_key());
    ASSERT_TRUE(verifier);
    const auto holds = verifier->verify({}, *Digest::create(HashAlgorithm::kSha256, digest), signature);
    ASSERT_TRUE(holds);
    EXPECT_TRUE(*holds);
    EXPECT_NE(EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size() - 1), 1);
}

TEST_F(HsmProviderTest, an_hsm_failure_comes_back_as_itself) {
    const auto key = SoftwareKey::generate(KeyAlgorithm::kEcP256);
    const auto wrapped = provider_->wrap(key);
    ASSERT_TRUE(wrapped);
    for (const Errc code : {Errc::kHsmRefused, Errc::kHsmFailed, Errc::kUnavailable}) {
        key->fail_with(Error{code, "C_Sign answered CKR_DEVICE_ERROR", {}, 0x30});
        const X509Handle made = draft(key->public_key());
        const Status done = call_libcrypto(
            "signing", [&] { return X509_sign(made.get(), wrapped->get(), EVP_sha256()) > 0; });
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, code);
        EXPECT_EQ(done.error().native, 0x30);
        EXPECT_EQ(done.error().detail, "signing: C_Sign answered CKR_DEVICE_ERROR");
        EXPECT_EQ(ERR_peek_error(), 0U);
    }
    key->fail_with(std::nullopt);
    const X509Handle made = draft(key->public_key());
    EXPECT_TRUE(
        call_libcrypto("signing", [&] { return X509_sign(made.get(), wrapped->get(), EVP_sha256()) > 0; }));
}

TEST_F(HsmProviderTest, an_old_hsm_failure_is_not_blamed_for_a_later_one_of_libcrypto) {
    const auto key = SoftwareKey::generate(KeyAlgorithm::kEcP256);
    const auto wrapped = provider_->wrap(key);
    ASSERT_TRUE(wrapped);
    key->fail_with(Error{Errc::kHsmFailed, "device error", {}, 0});
    X509Handle made = draft(key->public_key());
    EXPECT_LE(X509_sign(made.get(), wrapped->get(), EVP_sha256()), 0);  // outside call_libcrypto
    const Status later = call_libcrypto("parsing", [] {
        const Bytes nonsense{0x30, 0x01};
        const unsigned char* cursor = nonsense.data();
        return X509Handle(d2i_X509(nullptr, &cursor, 2)) != nullptr;
    });
    ASSERT_FALSE(later);
    EXPECT_EQ(later.error().code, Errc::kInternal);
}

TEST_F(HsmProviderTest, digests_below_sha256_are_refused_before_the_hsm_is_asked) {
    const auto key = SoftwareKey::generate(KeyAlgorithm::kEcP256);
    const auto wrapped = provider_->wrap(key);
    ASSERT_TRUE(wrapped);
    for (const EVP_MD* digest : {EVP_sha1(), EVP_sha224(), EVP_md5()}) {
        const X509Handle made = draft(key->public_key());
        const Status done =
            call_libcrypto("signing", [&] { return X509_sign(made.get(), wrapped->get(), digest) > 0; });
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, Errc::kInvalidArgument);
    }
    EXPECT_EQ(key->calls(), 0U);
}

TEST_F(HsmProviderTest, pss_with_other_parameters_than_offered_is_refused_before_the_hsm_is_asked) {
    const auto key = SoftwareKey::generate(KeyAlgorithm::kRsa2048);
    const auto wrapped = provider_->wrap(key);
    ASSERT_TRUE(wrapped);
    const auto attempt = [&](int salt, const EVP_MD* mask) {
        const X509Handle made = draft(key->public_key());
        const EvpMdContext context(EVP_MD_CTX_new());
        EVP_PKEY_CTX* parameters = nullptr;
        return call_libcrypto("signing", [&] {
            return EVP_DigestSignInit_ex(context.get(), &parameters, "SHA256", provider_->context(), nullptr,
                                         wrapped->get(), nullptr) == 1 &&
                   EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) == 1 &&
                   EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, mask) == 1 &&
                   X509_sign_ctx(made.get(), context.get()) > 0;
        });
    };
    EXPECT_FALSE(attempt(20, EVP_sha256()));
    EXPECT_FALSE(attempt(RSA_PSS_SALTLEN_MAX, EVP_sha256()));
    EXPECT_FALSE(attempt(RSA_PSS_SALTLEN_DIGEST, EVP_sha512()));
    EXPECT_FALSE(attempt(RSA_PSS_SALTLEN_DIGEST, EVP_sha1()));
    EXPECT_EQ(key->calls(), 0U);
    EXPECT_TRUE(attempt(32, EVP_sha256()));
}

TEST_F(HsmProviderTest, the_private_half_is_not_exported) {
    const auto wrapped = provider_->wrap(SoftwareKey::shared(KeyAlgorithm::kEcP256));
    ASSERT_TRUE(wrapped);
    OSSL_PARAM* params = nullptr;
    EXPECT_NE(EVP_PKEY_todata(wrapped->get(), EVP_PKEY_KEYPAIR, &params), 1);
    EXPECT_EQ(params, nullptr);
    unsigned char* der = nullptr;
    EXPECT_LE(i2d_PrivateKey(wrapped->get(), &der), 0);
    ERR_clear_error();
    ASSERT_EQ(EVP_PKEY_todata(wrapped->get(), EVP_PKEY_PUBLIC_KEY, &params), 1);
    OSSL_PARAM_free(params);
}

TEST_F(HsmProviderTest, a_public_key_that_does_not_fit_its_algorithm_is_refused) {
    class Liar final : public SigningKey {
     public:
        explicit Liar(PublicKey key) : key_(std::move(key)) {}
        const PublicKey& public_key() const override { return key_; }
        Result<Bytes> sign(SignatureScheme, const Digest&) override { return Bytes(); }
        Result<Bytes> sign_message(ByteView) override { return Bytes(); }

     private:
        PublicKey key_;
    };
    const Bytes p256 = SoftwareKey::shared(KeyAlgorithm::kEcP256)->public_key().spki;
    Bytes longer = p256;
    longer.push_back(0);
    for (const PublicKey& key :
         {PublicKey{KeyAlgorithm::kEcP384, p256}, PublicKey{KeyAlgorithm::kRsa2048, p256},
          PublicKey{KeyAlgorithm::kEcP256, longer}, PublicKey{KeyAlgorithm::kEcP256, {}}}) {
        const auto wrapped = provider_->wrap(std::make_shared<Liar>(key));
        ASSERT_FALSE(wrapped);
        EXPECT_EQ(wrapped.error().code, Errc::kInvalidArgument);
    }
    EXPECT_FALSE(provider_->wrap(nullptr));
    // A signature that no key of this kind could have made goes no further.
    const auto wrapped = provider_->wrap(std::make_shared<Liar>(PublicKey{KeyAlgorithm::kEcP256, p256}));
    ASSERT_TRUE(wrapped);
    const X509Handle made = draft(SoftwareKey::shared(KeyAlgorithm::kEcP256)->public_key());
    const Status done =
        call_libcrypto("signing", [&] { return X509_sign(made.get(), wrapped->get(), EVP_sha256()) > 0; });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::kHsmFailed);
}

TEST_F(HsmProviderTest, the_default_context_does_not_know_the_provider) {
    EXPECT_EQ(OSSL_PROVIDER_available(nullptr, "sigillo-hsm"), 0);
    EXPECT_EQ(EvpMd(EVP_MD_fetch(nullptr, "SHA256", "provider=sigillo-hsm")), nullptr);
    ERR_clear_error();
    EXPECT_NE(EvpMd(EVP_MD_fetch(nullptr, "SHA256", nullptr)), nullptr);
    // In its own context an ordinary request gets libcrypto's keys.
    const EvpKey made(EVP_PKEY_Q_keygen(provider_->context(), nullptr, "EC", "P-256"));
    ASSERT_NE(made, nullptr);
    EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(made.get())), "default");
}

TEST_F(HsmProviderTest, one_key_signs_in_many_threads_each_with_its_own_errors) {
    const auto good = SoftwareKey::generate(KeyAlgorithm::kEcP256);
    const auto bad = SoftwareKey::generate(KeyAlgorithm::kEcP256);
    bad->fail_with(Error{Errc::kHsmRefused, "no", {}, 0});
    const auto good_key = provider_->wrap(good);
    const auto bad_key = provider_->wrap(bad);
    ASSERT_TRUE(good_key && bad_key);
    const EvpKey verifier = ordinary(good->public_key());
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            const bool works = t % 2 == 0;
            EVP_PKEY* key = (works ? good_key : bad_key)->get();
            for (int i = 0; i < 50; ++i) {
                const X509Handle made = draft(good->public_key());
                const Status done =
                    call_libcrypto("x", [&] { return X509_sign(made.get(), key, EVP_sha256()) > 0; });
                if (done.has_value() != works) ++wrong;
                if (!done && done.error().code != Errc::kHsmRefused) ++wrong;
                if (done && X509_verify(parsed_again(made.get()).get(), verifier.get()) != 1) ++wrong;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

TEST_F(HsmProviderTest, a_wrapped_key_outlives_the_callers_share_of_it) {
    std::weak_ptr<SoftwareKey> watch;
    {
        auto key = SoftwareKey::generate(KeyAlgorithm::kEcP256);
        watch = key;
        auto wrapped = provider_->wrap(key);
        ASSERT_TRUE(wrapped);
        const PublicKey public_key = key->public_key();
        key.reset();
        const X509Handle made = draft(public_key);
        EXPECT_GT(X509_sign(made.get(), wrapped->get(), EVP_sha256()), 0);
        EXPECT_FALSE(watch.expired());
    }
    EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace sigillo
