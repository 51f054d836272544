#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <atomic>
#include <set>
#include <thread>

#include "keystore/pkcs11/pkcs11_key_store.h"
#include "tests/keystore/raw_token.h"
#include "tests/support/soft_token.h"

namespace sigillo::testing {
namespace {

constexpr SignatureScheme kEcdsa{SignaturePadding::kNone, HashAlgorithm::kSha256};

// One token and store for all: making them is the slow part.
class KeyStoreTest : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        token_ = new SoftToken;
        store_ = token_->open().release();
    }
    static void TearDownTestSuite() {
        delete store_;
        delete token_;
        store_ = nullptr;
        token_ = nullptr;
    }
    static KeyStore& store() { return *store_; }
    static GeneratedKey generate(KeyAlgorithm algorithm) {
        auto key = store().generate(algorithm);
        EXPECT_TRUE(key) << to_string(key.error());
        return key ? *std::move(key) : GeneratedKey{};
    }
    static std::shared_ptr<SigningKey> unwrap(const GeneratedKey& key) {
        auto unwrapped = store().unwrap(key.wrapped, key.public_key);
        EXPECT_TRUE(unwrapped) << to_string(unwrapped.error());
        return unwrapped ? *unwrapped : nullptr;
    }
    inline static SoftToken* token_ = nullptr;
    inline static Pkcs11KeyStore* store_ = nullptr;
};

void expect_signs(SigningKey& key, SignatureScheme scheme) {
    const auto verifier = Verifier::create(key.public_key());
    ASSERT_TRUE(verifier);
    const Digest digest = digest_of(scheme.hash, as_bytes("a document"));
    const auto signature = key.sign(scheme, digest);
    ASSERT_TRUE(signature) << to_string(signature.error());
    EXPECT_TRUE(*verifier->verify(scheme, digest, *signature));
    EXPECT_FALSE(*verifier->verify(scheme, digest_of(scheme.hash, as_bytes("another")), *signature));
}

std::vector<HashAlgorithm> hashes() {
    return {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512};
}

class EveryAlgorithm : public KeyStoreTest, public ::testing::WithParamInterface<KeyAlgorithm> {};

TEST_P(EveryAlgorithm, GeneratedWrappedUnwrappedSignsWithEveryScheme) {
    const GeneratedKey generated = generate(GetParam());
    EXPECT_EQ(generated.wrapped.scheme, "CKM_AES_KEY_WRAP_PAD");
    EXPECT_EQ(generated.wrapped.blob.size() % 8, 0u);
    const auto key = unwrap(generated);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->public_key(), generated.public_key);
    for (const HashAlgorithm hash : hashes()) {
        if (is_ec(GetParam())) {
            expect_signs(*key, {SignaturePadding::kNone, hash});
        } else {
            expect_signs(*key, {SignaturePadding::kPkcs1v15, hash});
            expect_signs(*key, {SignaturePadding::kPss, hash});
        }
    }
}

INSTANTIATE_TEST_SUITE_P(KeyStore, EveryAlgorithm,
                         ::testing::Values(KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384,
                                           KeyAlgorithm::kRsa2048, KeyAlgorithm::kRsa3072,
                                           KeyAlgorithm::kRsa4096),
                         [](const auto& test) {
                             std::string name(key_algorithm_name(test.param));
                             std::erase(name, '-');
                             return name;
                         });

// SoftHSM pads PKCS #8 with zeros to a multiple of 8 before it wraps; whatever the length, the key
// must come back. The length of RSA keys in PKCS #8 varies with the leading bits of their numbers.
TEST_F(KeyStoreTest, KeysOfEveryEncodedLengthComeBack) {
    std::set<std::size_t> lengths;
    for (int round = 0; round < 200; ++round) {
        const GeneratedKey generated =
            generate(round % 2 == 0 ? KeyAlgorithm::kEcP256 : KeyAlgorithm::kEcP384);
        lengths.insert(generated.wrapped.blob.size());
        const auto key = unwrap(generated);
        ASSERT_TRUE(key);
        if (round < 4) expect_signs(*key, kEcdsa);
    }
    for (int round = 0; round < 6; ++round) {
        const auto key = unwrap(generate(KeyAlgorithm::kRsa2048));
        ASSERT_TRUE(key);
        expect_signs(*key, {SignaturePadding::kPkcs1v15, HashAlgorithm::kSha256});
    }
    EXPECT_GE(lengths.size(), 2u);
}

TEST_F(KeyStoreTest, GenerateLeavesNothingInTheToken) {
    const RawToken raw(*token_);
    const std::size_t before = raw.session_objects();
    for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kRsa2048}) generate(algorithm);
    EXPECT_EQ(raw.session_objects(), before);
}

TEST_F(KeyStoreTest, AnUnwrappedKeyLeavesTheTokenWithItsLastOwner) {
    const RawToken raw(*token_);
    const std::size_t before = raw.session_objects();
    const GeneratedKey generated = generate(KeyAlgorithm::kEcP256);
    auto key = unwrap(generated);
    auto copy = key;
    EXPECT_EQ(raw.session_objects(), before + 1);
    key.reset();
    EXPECT_EQ(raw.session_objects(), before + 1);
    copy.reset();
    EXPECT_EQ(raw.session_objects(), before);
}

TEST_F(KeyStoreTest, KeysMayOutliveTheStore) {
    auto short_lived = token_->open();
    const auto generated = short_lived->generate(KeyAlgorithm::kEcP256);
    ASSERT_TRUE(generated);
    const auto key = short_lived->unwrap(generated->wrapped, generated->public_key);
    const auto log = short_lived->role_key(KeyRole::kLog);
    ASSERT_TRUE(key && log);
    short_lived.reset();
    expect_signs(**key, kEcdsa);
    EXPECT_TRUE((*log)->sign_message(as_bytes("still here")));
}

TEST_F(KeyStoreTest, SwappedKeysAreRefused) {
    const GeneratedKey one = generate(KeyAlgorithm::kEcP256);
    const GeneratedKey two = generate(KeyAlgorithm::kEcP256);
    const GeneratedKey p384 = generate(KeyAlgorithm::kEcP384);
    const GeneratedKey rsa_one = generate(KeyAlgorithm::kRsa2048);
    const GeneratedKey rsa_two = generate(KeyAlgorithm::kRsa2048);
    const RawToken raw(*token_);
    const std::size_t before = raw.session_objects();
    const auto expect_refused = [](const GeneratedKey& blob, const GeneratedKey& name) {
        const auto key = store().unwrap(blob.wrapped, name.public_key);
        ASSERT_FALSE(key);
        EXPECT_EQ(key.error().code, Errc::kCorrupt) << to_string(key.error());
    };
    expect_refused(one, two);
    expect_refused(two, one);
    expect_refused(p384, one);
    expect_refused(one, p384);
    expect_refused(rsa_one, rsa_two);
    expect_refused(one, rsa_one);
    expect_refused(rsa_one, one);
    EXPECT_EQ(raw.session_objects(), before);
    EXPECT_TRUE(store().health().usable) << store().health().reason;
}

TEST_F(KeyStoreTest, ATamperedBlobIsRefusedAtEveryByte) {
    const GeneratedKey good = generate(KeyAlgorithm::kEcP256);
    for (std::size_t at = 0; at < good.wrapped.blob.size(); ++at) {
        WrappedKey bad = good.wrapped;
        bad.blob[at] ^= 0x01;
        const auto key = store().unwrap(bad, good.public_key);
        ASSERT_FALSE(key);
        EXPECT_EQ(key.error().code, Errc::kCorrupt) << at << ": " << to_string(key.error());
    }
    EXPECT_TRUE(unwrap(good));
}

TEST_F(KeyStoreTest, ATruncatedOrExtendedBlobIsRefused) {
    const GeneratedKey good = generate(KeyAlgorithm::kEcP256);
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{8}, std::size_t{15}, std::size_t{16},
          good.wrapped.blob.size() - 8, good.wrapped.blob.size() - 1, good.wrapped.blob.size() + 1,
          good.wrapped.blob.size() + 8, std::size_t{100'000}}) {
        WrappedKey bad = good.wrapped;
        bad.blob.resize(size);
        const auto key = store().unwrap(bad, good.public_key);
        ASSERT_FALSE(key) << size;
        EXPECT_EQ(key.error().code, Errc::kCorrupt) << size << ": " << to_string(key.error());
    }
}

TEST_F(KeyStoreTest, AWrongSchemeIsRefused) {
    GeneratedKey key = generate(KeyAlgorithm::kEcP256);
    for (const char* scheme : {"", "CKM_AES_KEY_WRAP_KWP", "CKM_AES_KEY_WRAP", "ckm_aes_key_wrap_pad"}) {
        key.wrapped.scheme = scheme;
        const auto refused = store().unwrap(key.wrapped, key.public_key);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::kCorrupt) << scheme;
    }
}

TEST_F(KeyStoreTest, APublicKeyThatIsNoneIsRefused) {
    const GeneratedKey key = generate(KeyAlgorithm::kEcP256);
    PublicKey bad = key.public_key;
    bad.spki.pop_back();
    EXPECT_FALSE(store().unwrap(key.wrapped, bad));
    bad = key.public_key;
    bad.algorithm = KeyAlgorithm::kEd25519;
    EXPECT_EQ(store().unwrap(key.wrapped, bad).error().code, Errc::kUnsupported);
    EXPECT_EQ(store().generate(KeyAlgorithm::kEd25519).error().code, Errc::kUnsupported);
}

TEST_F(KeyStoreTest, ASchemeThatDoesNotFitIsRefusedBeforeTheToken) {
    const auto key = unwrap(generate(KeyAlgorithm::kEcP256));
    const Digest sha256 = digest_of(HashAlgorithm::kSha256, {});
    EXPECT_EQ(key->sign({SignaturePadding::kPss, HashAlgorithm::kSha256}, sha256).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(key->sign({SignaturePadding::kNone, HashAlgorithm::kSha384}, sha256).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(key->sign_message(as_bytes("x")).error().code, Errc::kInvalidArgument);
}

TEST_F(KeyStoreTest, TheCaKeySigns) {
    const auto ca = store().role_key(KeyRole::kCa);
    ASSERT_TRUE(ca);
    EXPECT_EQ((*ca)->public_key(), token_->ceremony().ca_key);
    expect_signs(**ca, kEcdsa);
}

TEST_F(KeyStoreTest, TheLogKeySignsWholeMessagesAsRfc8032) {
    const auto log = store().role_key(KeyRole::kLog);
    ASSERT_TRUE(log);
    const std::string message(10'000, 'm');
    const auto signature = (*log)->sign_message(as_bytes(message));
    ASSERT_TRUE(signature) << to_string(signature.error());
    ASSERT_EQ(signature->size(), 64u);
    const unsigned char* cursor = (*log)->public_key().spki.data();
    EVP_PKEY* key = d2i_PUBKEY(nullptr, &cursor, static_cast<long>((*log)->public_key().spki.size()));
    ASSERT_NE(key, nullptr);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ASSERT_EQ(EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key), 1);
    EXPECT_EQ(EVP_DigestVerify(context, signature->data(), 64, as_bytes(message).data(), message.size()), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    EXPECT_EQ((*log)->sign(kEcdsa, digest_of(HashAlgorithm::kSha256, {})).error().code,
              Errc::kInvalidArgument);
}

TEST_F(KeyStoreTest, MacsDifferByRoleAndMessageAndStayTheSame) {
    const auto one = store().mac(MacRole::kRecords, as_bytes("record"));
    const auto again = store().mac(MacRole::kRecords, as_bytes("record"));
    const auto other = store().mac(MacRole::kRecords, as_bytes("recore"));
    const auto pepper = store().mac(MacRole::kPinPepper, as_bytes("record"));
    const auto empty = store().mac(MacRole::kRecords, {});
    ASSERT_TRUE(one && again && other && pepper && empty);
    EXPECT_EQ(one->size(), 32u);
    EXPECT_TRUE(one->equals(again->expose()));
    EXPECT_FALSE(one->equals(other->expose()));
    EXPECT_FALSE(one->equals(pepper->expose()));
}

TEST_F(KeyStoreTest, SealedDataOpensOnlyWithItsAssociatedData) {
    for (const std::size_t size : {0UL, 1UL, 15UL, 16UL, 17UL, 20UL, 64UL, 10'000UL}) {
        const Bytes plain = SoftToken::random().bytes(size);
        const auto sealed = store().seal(plain, as_bytes("space/key/7"));
        ASSERT_TRUE(sealed) << to_string(sealed.error());
        EXPECT_EQ(sealed->size(), 12 + size + 16);
        const auto opened = store().open(*sealed, as_bytes("space/key/7"));
        ASSERT_TRUE(opened) << size << ": " << to_string(opened.error());
        EXPECT_TRUE(opened->equals(plain));
        for (const char* wrong : {"space/key/8", "", "space/key/7 "}) {
            const auto refused = store().open(*sealed, as_bytes(wrong));
            ASSERT_FALSE(refused);
            EXPECT_EQ(refused.error().code, Errc::kCorrupt) << to_string(refused.error());
        }
    }
    EXPECT_TRUE(store().health().usable);
}

TEST_F(KeyStoreTest, SealedDataIsRefusedWithAnyBitFlippedOrByteMissing) {
    const auto sealed = store().seal(as_bytes("a seed of twenty byte"), as_bytes("ad"));
    ASSERT_TRUE(sealed);
    for (std::size_t at = 0; at < sealed->size(); ++at) {
        Bytes bad = *sealed;
        bad[at] ^= 0x80;
        EXPECT_EQ(store().open(bad, as_bytes("ad")).error().code, Errc::kCorrupt) << at;
        EXPECT_EQ(store().open(ByteView(*sealed).first(at), as_bytes("ad")).error().code, Errc::kCorrupt)
            << at;
    }
    EXPECT_TRUE(store().open(*sealed, as_bytes("ad")));
}

TEST_F(KeyStoreTest, NoNonceServesTwice) {
    std::set<Bytes> nonces;
    for (int round = 0; round < 500; ++round) {
        const auto sealed = store().seal(as_bytes("same"), {});
        ASSERT_TRUE(sealed);
        nonces.emplace(sealed->begin(), sealed->begin() + 12);
    }
    EXPECT_EQ(nonces.size(), 500u);
}

TEST_F(KeyStoreTest, EightThreadsSignUnwrapSealAndMacAtOnce) {
    const GeneratedKey generated = generate(KeyAlgorithm::kEcP256);
    const auto shared = unwrap(generated);
    const auto verifier = Verifier::create(generated.public_key);
    ASSERT_TRUE(shared && verifier);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread)
        threads.emplace_back([&, thread] {
            for (int round = 0; round < 60; ++round) {
                const Digest digest =
                    digest_of(HashAlgorithm::kSha256, as_bytes(std::to_string(thread * 1000 + round)));
                const auto signature = shared->sign(kEcdsa, digest);
                if (!signature || !*verifier->verify(kEcdsa, digest, *signature)) ++wrong;
                const auto own = store().unwrap(generated.wrapped, generated.public_key);
                if (!own || !(*own)->sign(kEcdsa, digest)) ++wrong;
                const auto sealed = store().seal(digest.bytes(), {});
                if (!sealed || !store().open(*sealed, {})) ++wrong;
                if (!store().mac(MacRole::kRecords, digest.bytes())) ++wrong;
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(store().health().sessions_busy, 0u);
    EXPECT_EQ(store().generation(), 1u);
}

TEST_F(KeyStoreTest, WrappedKeysAndSealedDataSurviveARestart) {
    const GeneratedKey generated = generate(KeyAlgorithm::kEcP256);
    const auto sealed = store().seal(as_bytes("seed"), {});
    const auto reopened = token_->open();
    EXPECT_TRUE(reopened->unwrap(generated.wrapped, generated.public_key));
    EXPECT_TRUE(reopened->open(*sealed, {}));
}

TEST_F(KeyStoreTest, AnotherTokensKekOpensNothing) {
    const SoftToken other;
    const auto stranger = other.open();
    const GeneratedKey generated = generate(KeyAlgorithm::kEcP256);
    EXPECT_EQ(stranger->unwrap(generated.wrapped, generated.public_key).error().code, Errc::kCorrupt);
    const auto sealed = store().seal(as_bytes("seed"), {});
    EXPECT_EQ(stranger->open(*sealed, {}).error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace sigillo::testing
