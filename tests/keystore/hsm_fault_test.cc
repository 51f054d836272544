// tests/README.md, 26, 27 and in part 30: what the HSM may answer, and what becomes of the call.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "keystore/pkcs11/ck_rv.h"
#include "tests/support/soft_token.h"

namespace sigillo::testing {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr SignatureScheme kScheme{SignaturePadding::kNone, HashAlgorithm::kSha256};

class HsmFault : public ::testing::Test {
 protected:
    static void SetUpTestSuite() { token_ = new SoftToken(Through::kShim); }
    static void TearDownTestSuite() {
        delete token_;
        token_ = nullptr;
    }
    HsmFault() : store_(open()) {
        generated_ = store_->generate(KeyAlgorithm::kEcP256).value_or(GeneratedKey{});
        key_ = store_->unwrap(generated_.wrapped, generated_.public_key).value_or(nullptr);
        EXPECT_TRUE(key_);
    }
    ~HsmFault() override { hsm_.set_faults(""); }

    std::unique_ptr<Pkcs11KeyStore> open() {
        hsm_.set_faults("");
        return token_->open([](Pkcs11Config& config) {
            config.max_sessions = 2;
            config.session_wait = 200ms;
            config.slow_call = 100ms;
            config.recovery_pause = 0ms;
        });
    }
    Digest digest() const { return digest_of(HashAlgorithm::kSha256, as_bytes("document")); }
    Result<Bytes> sign() { return key_->sign(kScheme, digest()); }
    // Signs, and the signature holds.
    bool works() {
        const auto signature = sign();
        if (!signature) return false;
        return *Verifier::create(generated_.public_key)->verify(kScheme, digest(), *signature);
    }
    std::size_t calls(const char* function) const { return hsm_.calls(function); }

    inline static SoftToken* token_ = nullptr;
    SoftHsm& hsm_ = SoftHsm::instance();
    std::unique_ptr<Pkcs11KeyStore> store_;
    GeneratedKey generated_;
    std::shared_ptr<SigningKey> key_;
};

struct Answer {
    const char* name;
    const char* fault;
    std::optional<Errc> code;  // nullopt: the call succeeds all the same
    friend void PrintTo(const Answer& answer, std::ostream* out) { *out << answer.name; }
};

class SignAnswers : public HsmFault, public ::testing::WithParamInterface<Answer> {};

TEST_P(SignAnswers, AreNeverAFalseSuccessAndTheNextCallWorks) {
    ASSERT_TRUE(works());
    const auto generation = store_->generation();
    const auto logins = calls("C_Login");
    hsm_.set_faults(GetParam().fault);
    const auto signature = sign();
    if (GetParam().code) {
        ASSERT_FALSE(signature);
        EXPECT_EQ(signature.error().code, *GetParam().code) << to_string(signature.error());
    } else {
        ASSERT_TRUE(signature) << to_string(signature.error());
        EXPECT_TRUE(*Verifier::create(generated_.public_key)->verify(kScheme, digest(), *signature));
    }
    hsm_.set_faults("");
    EXPECT_TRUE(works());
    EXPECT_TRUE(store_->health().usable) << store_->health().reason;
    EXPECT_EQ(store_->generation(), generation);  // the key is the one from before
    EXPECT_EQ(calls("C_Login"), logins);
}

INSTANTIATE_TEST_SUITE_P(
    HsmFault, SignAnswers,
    ::testing::Values(Answer{"DeviceError", "C_Sign rv=0x30 count=1", Errc::kHsmFailed},
                      Answer{"DeviceErrorBeforeSigning", "C_SignInit rv=0x30 count=1", Errc::kUnavailable},
                      Answer{"DeviceErrorAfterSigning", "C_Sign rv_after=0x30 count=1", Errc::kHsmFailed},
                      Answer{"DeviceRemoved", "C_Sign rv=0x32 count=1", Errc::kHsmFailed},
                      Answer{"GeneralError", "C_Sign rv=0x5 count=1", Errc::kHsmFailed},
                      Answer{"UnknownVendorCode", "C_Sign rv=0x80000123 count=1", Errc::kHsmFailed},
                      Answer{"TokenNotPresent", "C_Sign rv=0xe0 count=1", Errc::kUnavailable},
                      Answer{"TokenNotPresentAtAll", "* rv=0xe0", Errc::kUnavailable},
                      Answer{"DeviceErrorEverywhere", "* rv=0x30", Errc::kUnavailable},
                      Answer{"SessionHandleInvalid", "C_Sign rv=0xb3 count=1", std::nullopt},
                      Answer{"SessionHandleInvalidAtInit", "C_SignInit rv=0xb3 count=1", std::nullopt},
                      Answer{"SessionClosed", "C_Sign rv=0xb0 count=1", std::nullopt},
                      Answer{"SessionHandleInvalidForEver", "C_Sign rv=0xb3", Errc::kUnavailable},
                      Answer{"OperationActive", "C_SignInit rv=0x90 count=1", std::nullopt},
                      Answer{"UserNotLoggedInOnce", "C_SignInit rv=0x101 count=1", std::nullopt},
                      Answer{"SessionCount", "C_SignInit rv=0xb3 count=1\nC_OpenSession rv=0xb1",
                             Errc::kUnavailable},
                      Answer{"DataLenRange", "C_Sign rv=0x21 count=1", Errc::kHsmRefused},
                      Answer{"FunctionNotPermitted", "C_SignInit rv=0x68 count=1", Errc::kHsmRefused},
                      Answer{"MechanismInvalid", "C_SignInit rv=0x70 count=1", Errc::kUnsupported},
                      Answer{"ShortSignature", "C_Sign truncate=1 count=1", Errc::kHsmFailed},
                      Answer{"EmptySignature", "C_Sign truncate=64 count=1", Errc::kHsmFailed},
                      Answer{"BufferTooSmall", "C_Sign rv=0x150 count=1", Errc::kHsmFailed}),
    [](const auto& test) { return test.param.name; });

TEST_F(HsmFault, ACorruptedSignatureDoesNotVerify) {
    // Whether it is the right signature is for the caller's verify-after-sign.
    hsm_.set_faults("C_Sign corrupt=1 count=1");
    const auto signature = sign();
    ASSERT_TRUE(signature);
    EXPECT_FALSE(*Verifier::create(generated_.public_key)->verify(kScheme, digest(), *signature));
}

TEST_F(HsmFault, ACorruptedSignatureNeverMakesAnUnwrappedKeyTrusted) {
    hsm_.set_faults("C_Sign corrupt=1");
    EXPECT_EQ(store_->unwrap(generated_.wrapped, generated_.public_key).error().code, Errc::kCorrupt);
}

TEST_F(HsmFault, ALostKeyHandleMeansUnwrapAnew) {
    const auto generation = store_->generation();
    hsm_.set_faults("C_SignInit rv=0x60 count=1");  // CKR_KEY_HANDLE_INVALID
    const auto signature = sign();
    ASSERT_FALSE(signature);
    EXPECT_EQ(signature.error().code, Errc::kUnavailable);
    EXPECT_EQ(store_->generation(), generation + 1);
    hsm_.set_faults("");
    key_ = store_->unwrap(generated_.wrapped, generated_.public_key).value_or(nullptr);
    EXPECT_TRUE(works());
}

TEST_F(HsmFault, ALostRoleKeyHandleIsFoundAgain) {
    const auto ca = store_->role_key(KeyRole::kCa);
    ASSERT_TRUE(ca);
    hsm_.set_faults("C_SignInit rv=0x60 count=1");
    EXPECT_TRUE((*ca)->sign(kScheme, digest()));
}

TEST_F(HsmFault, AFailingUnwrapOfAGoodBlobIsTheHsmsFaultNotTheBlobs) {
    for (const char* fault : {"C_UnwrapKey rv=0x5", "C_UnwrapKey rv=0x30", "C_UnwrapKey rv=0x6"}) {
        hsm_.set_faults(fault);
        const auto key = store_->unwrap(generated_.wrapped, generated_.public_key);
        ASSERT_FALSE(key);
        EXPECT_EQ(key.error().code, Errc::kHsmFailed) << fault << " " << to_string(key.error());
        hsm_.set_faults("");
        EXPECT_TRUE(store_->unwrap(generated_.wrapped, generated_.public_key));
    }
    hsm_.set_faults("C_UnwrapKey rv=0x5 count=1");
    EXPECT_TRUE(store_->unwrap(generated_.wrapped, generated_.public_key));
    hsm_.set_faults("C_UnwrapKey rv=0xb3 count=1");
    EXPECT_TRUE(store_->unwrap(generated_.wrapped, generated_.public_key));
}

TEST_F(HsmFault, AFailingDecryptOfGoodDataIsTheHsmsFault) {
    const auto sealed = store_->seal(as_bytes("seed"), {});
    ASSERT_TRUE(sealed);
    hsm_.set_faults("C_Decrypt rv=0x5");
    EXPECT_EQ(store_->open(*sealed, {}).error().code, Errc::kHsmFailed);
    hsm_.set_faults("C_Decrypt rv=0x5 count=1");
    EXPECT_TRUE(store_->open(*sealed, {}));
    hsm_.set_faults("C_Encrypt rv=0x30 count=1");
    EXPECT_EQ(store_->seal(as_bytes("seed"), {}).error().code, Errc::kHsmFailed);
    hsm_.set_faults("C_EncryptInit rv=0xb3 count=1");
    EXPECT_TRUE(store_->seal(as_bytes("seed"), {}));
}

TEST_F(HsmFault, AWrongLengthFromAnyServiceIsNoSuccess) {
    const auto sealed = store_->seal(as_bytes("seed"), {});
    ASSERT_TRUE(sealed);
    hsm_.set_faults("C_Encrypt truncate=1\nC_Decrypt truncate=1\nC_Sign truncate=1");
    EXPECT_EQ(store_->seal(as_bytes("seed"), {}).error().code, Errc::kHsmFailed);
    EXPECT_EQ(store_->open(*sealed, {}).error().code, Errc::kHsmFailed);
    EXPECT_EQ(store_->mac(MacRole::kRecords, {}).error().code, Errc::kHsmFailed);
}

TEST_F(HsmFault, AFaultDuringGenerateLeavesNoKeyBehind) {
    for (const char* fault :
         {"C_WrapKey rv=0x30 count=1", "C_WrapKey rv=0x62 count=1", "C_GenerateKeyPair rv=0x30 count=1",
          "C_GetAttributeValue rv=0x30 count=1", "C_GetAttributeValue rv=0xb3 count=2"}) {
        const auto made = calls("C_GenerateKeyPair");
        const auto destroyed = calls("C_DestroyObject");
        hsm_.set_faults(fault);
        const auto key = store_->generate(KeyAlgorithm::kEcP256);
        EXPECT_FALSE(key) << fault;
        hsm_.set_faults("");
        const auto pairs =
            calls("C_GenerateKeyPair") - made - (std::string_view(fault).starts_with("C_Gen") ? 1 : 0);
        EXPECT_EQ(calls("C_DestroyObject") - destroyed, 2 * pairs) << fault;
    }
}

TEST_F(HsmFault, AKeyThatIsNotDestroyedGoesWithItsSession) {
    const auto closed = calls("C_CloseSession");
    hsm_.set_faults("C_DestroyObject rv=0x30 count=1");
    const auto key = store_->generate(KeyAlgorithm::kEcP256);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, Errc::kHsmFailed);
    EXPECT_EQ(calls("C_CloseSession"), closed + 1);
}

TEST_F(HsmFault, AKeyThatCouldNotBeDestroyedAtOnceIsDestroyedLater) {
    hsm_.set_faults("C_DestroyObject rv=0x30 count=1");
    key_.reset();
    hsm_.set_faults("");
    const auto before = calls("C_DestroyObject");
    EXPECT_TRUE(store_->mac(MacRole::kRecords, {}));
    EXPECT_EQ(calls("C_DestroyObject"), before + 1);
}

TEST_F(HsmFault, WhenTheHsmHangsOthersWaitNoLongerThanConfigured) {
    hsm_.set_faults("C_Sign hang_ms=60000");
    std::vector<std::thread> hung;
    std::atomic<int> done{0};
    for (int thread = 0; thread < 2; ++thread)
        hung.emplace_back([this, &done] {
            (void)sign();
            ++done;
        });
    while (store_->health().sessions_busy < 2) std::this_thread::sleep_for(1ms);

    const auto start = SteadyClock::now();
    std::vector<std::thread> waiting;
    std::atomic<int> unavailable{0};
    for (int thread = 0; thread < 6; ++thread)
        waiting.emplace_back([this, &unavailable] {
            const auto signature = sign();
            if (!signature && signature.error().code == Errc::kUnavailable) ++unavailable;
        });
    while (store_->health().waiting == 0 && unavailable < 6) std::this_thread::yield();
    for (auto& thread : waiting) thread.join();
    EXPECT_EQ(unavailable, 6);
    EXPECT_GE(SteadyClock::now() - start, 200ms);
    EXPECT_LT(SteadyClock::now() - start, 5s);

    const KeyStoreHealth health = store_->health();
    EXPECT_FALSE(health.usable);
    EXPECT_EQ(health.sessions_busy, 2u);
    EXPECT_EQ(health.sessions_limit, 2u);
    EXPECT_GE(health.slowest_call_ms, 200);
    EXPECT_NE(health.reason.find("inside the HSM"), std::string::npos);
    EXPECT_EQ(done, 0);

    hsm_.set_faults("");  // it wakes up
    for (auto& thread : hung) thread.join();
    EXPECT_TRUE(works());
    EXPECT_TRUE(store_->health().usable) << store_->health().reason;
    EXPECT_EQ(store_->health().slowest_call_ms, 0);
}

TEST_F(HsmFault, AHangDuringUnwrapLeavesSigningAlone) {
    hsm_.set_faults("C_UnwrapKey hang_ms=60000");
    std::thread hung([this] { (void)store_->unwrap(generated_.wrapped, generated_.public_key); });
    while (store_->health().slowest_call_ms < 10) std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(works());
    EXPECT_EQ(store_->unwrap(generated_.wrapped, generated_.public_key).error().code, Errc::kUnavailable);
    hsm_.set_faults("");
    hung.join();
}

TEST_F(HsmFault, AHangDuringRecoveryIsBoundedToo) {
    hsm_.set_faults("C_SignInit rv=0xb3\nC_GetSessionInfo hang_ms=60000");
    std::thread hung([this] { (void)sign(); });
    while (store_->health().slowest_call_ms < 10) std::this_thread::sleep_for(1ms);
    const auto start = SteadyClock::now();
    EXPECT_EQ(sign().error().code, Errc::kUnavailable);
    EXPECT_LT(SteadyClock::now() - start, 5s);
    hsm_.set_faults("");
    hung.join();
    EXPECT_TRUE(works());
}

TEST_F(HsmFault, EightThreadsThroughAFlakyHsmGetNoWrongSignature) {
    hsm_.set_faults(
        "C_SignInit rv=0xb3 skip=20 count=10\nC_Sign rv=0x30 skip=50 count=5\nC_Sign rv=0xe0 skip=150 "
        "count=5");
    const auto verifier = Verifier::create(generated_.public_key);
    std::atomic<int> wrong{0}, good{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread)
        threads.emplace_back([&, thread] {
            for (int round = 0; round < 100; ++round) {
                const Digest own =
                    digest_of(HashAlgorithm::kSha256, as_bytes(std::to_string(thread * 1000 + round)));
                const auto signature = key_->sign(kScheme, own);
                if (!signature) continue;
                ++(*verifier->verify(kScheme, own, *signature) ? good : wrong);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_GE(good, 780);
    EXPECT_TRUE(works());
}

}  // namespace
}  // namespace sigillo::testing
