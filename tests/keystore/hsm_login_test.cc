// Wrong PINs are tried once; logins come back without them. C_Login is counted by the shim.
#include <gtest/gtest.h>

#include "tests/keystore/raw_token.h"
#include "tests/support/soft_token.h"

namespace sigillo::testing {
namespace {

class HsmLogin : public ::testing::Test {
 protected:
    HsmLogin() { hsm_.set_faults(""); }
    ~HsmLogin() override { hsm_.set_faults(""); }

    std::size_t logins() const { return hsm_.calls("C_Login") - before_; }
    void count_from_here() { before_ = hsm_.calls("C_Login"); }
    static Status mac(KeyStore& store) {
        auto mac = store.mac(MacRole::kRecords, as_bytes("x"));
        if (!mac) return std::unexpected(mac.error());
        return {};
    }

    SoftHsm& hsm_ = SoftHsm::instance();
    SoftToken token_{Through::kShim};
    std::size_t before_ = 0;
};

TEST_F(HsmLogin, AWrongPinIsTriedOnce) {
    count_from_here();
    Pkcs11Config config = token_.config();
    config.pin = SecretBytes::copy_of("wrong-horse");
    const auto store = Pkcs11KeyStore::create(std::move(config), SoftToken::random(), SoftToken::logger());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kAuthenticationFailed);
    EXPECT_EQ(store.error().native, CKR_PIN_INCORRECT);
    EXPECT_EQ(store.error().detail.find("wrong-horse"), std::string::npos);
    EXPECT_EQ(logins(), 1u);
}

TEST_F(HsmLogin, AnEmptyPinIsNotTried) {
    count_from_here();
    Pkcs11Config config = token_.config();
    config.pin = {};
    const auto store = Pkcs11KeyStore::create(std::move(config), SoftToken::random(), SoftToken::logger());
    EXPECT_EQ(store.error().code, Errc::kInvalidArgument);
    EXPECT_EQ(logins(), 0u);
}

TEST_F(HsmLogin, ALockedPinIsNotTriedEither) {
    count_from_here();
    hsm_.set_faults("C_Login rv=0xa4");  // CKR_PIN_LOCKED
    Pkcs11Config config = token_.config();
    const auto store = Pkcs11KeyStore::create(std::move(config), SoftToken::random(), SoftToken::logger());
    EXPECT_EQ(store.error().code, Errc::kAuthenticationFailed);
    EXPECT_EQ(logins(), 1u);
}

TEST_F(HsmLogin, AWrongPinInTheCeremonyIsTriedOnce) {
    count_from_here();
    CeremonyConfig config;
    config.token_uri = token_.uri();
    config.pin = SecretBytes::copy_of("wrong-horse");
    EXPECT_EQ(run_ceremony(config, SoftToken::random()).error().code, Errc::kAuthenticationFailed);
    EXPECT_EQ(logins(), 1u);
}

TEST_F(HsmLogin, OneLoginServesEverything) {
    count_from_here();
    const auto store = token_.open();
    for (int round = 0; round < 50; ++round) ASSERT_TRUE(mac(*store));
    EXPECT_TRUE(store->generate(KeyAlgorithm::kEcP256));
    EXPECT_EQ(logins(), 1u);
}

TEST_F(HsmLogin, StaleSessionsAreReplacedWithoutALogin) {
    const auto store = token_.open();
    const auto generation = store->generation();
    count_from_here();
    for (int round = 0; round < 5; ++round) {
        hsm_.set_faults("C_SignInit rv=0xb3 count=1");  // CKR_SESSION_HANDLE_INVALID
        EXPECT_TRUE(mac(*store));
    }
    EXPECT_EQ(logins(), 0u);
    EXPECT_EQ(store->generation(), generation);
    EXPECT_TRUE(store->health().usable);
}

TEST_F(HsmLogin, ALostAnchorIsLoggedInAgainOnce) {
    const auto store = token_.open();
    const auto generation = store->generation();
    const auto key = store->generate(KeyAlgorithm::kEcP256);
    ASSERT_TRUE(key);
    const auto unwrapped = store->unwrap(key->wrapped, key->public_key);
    ASSERT_TRUE(unwrapped);
    const auto ca = store->role_key(KeyRole::kCa);
    count_from_here();
    hsm_.set_faults("C_SignInit rv=0xb3 count=1\nC_GetSessionInfo rv=0xb3 count=1");
    EXPECT_TRUE(mac(*store));
    EXPECT_EQ(logins(), 1u);
    EXPECT_EQ(store->generation(), generation + 1);

    // Session objects went with the anchor; the token's own keys are found again.
    const Digest digest = digest_of(HashAlgorithm::kSha256, {});
    const SignatureScheme scheme{SignaturePadding::kNone, HashAlgorithm::kSha256};
    const auto gone = (*unwrapped)->sign(scheme, digest);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, Errc::kUnavailable);
    EXPECT_TRUE((*ca)->sign(scheme, digest));
    const auto again = store->unwrap(key->wrapped, key->public_key);
    ASSERT_TRUE(again);
    EXPECT_TRUE((*again)->sign(scheme, digest));
    EXPECT_EQ(logins(), 1u);
}

TEST_F(HsmLogin, ALogoutBySomebodyElseIsMended) {
    const auto store = token_.open();
    const auto generation = store->generation();
    {
        const RawToken raw(token_);
        ASSERT_EQ(raw.module()->C_Logout(raw.session()), CKR_OK);
    }
    count_from_here();
    EXPECT_TRUE(mac(*store));
    EXPECT_EQ(logins(), 1u);
    EXPECT_EQ(store->generation(), generation + 1);
    EXPECT_TRUE(store->health().usable);
}

TEST_F(HsmLogin, APinRefusedOnTheWayBackIsNeverGivenAgain) {
    const auto store =
        token_.open([](Pkcs11Config& config) { config.recovery_pause = std::chrono::milliseconds(0); });
    count_from_here();
    hsm_.set_faults(
        "C_SignInit rv=0xb3 count=1\nC_GetSessionInfo rv=0xb3\nC_Login rv=0xa0");  // CKR_PIN_INCORRECT
    EXPECT_EQ(mac(*store).error().code, Errc::kUnavailable);
    EXPECT_EQ(logins(), 1u);
    hsm_.set_faults("");
    for (int round = 0; round < 20; ++round) {
        const Status refused = mac(*store);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::kUnavailable);
    }
    EXPECT_EQ(logins(), 1u);
    const KeyStoreHealth health = store->health();
    EXPECT_FALSE(health.usable);
    EXPECT_NE(health.reason.find("PIN"), std::string::npos) << health.reason;
}

TEST_F(HsmLogin, AnAbsentTokenIsAskedForWithPauses) {
    const auto store =
        token_.open([](Pkcs11Config& config) { config.recovery_pause = std::chrono::hours(1); });
    hsm_.set_faults("* rv=0xe0");  // CKR_TOKEN_NOT_PRESENT
    const auto lists = hsm_.calls("C_GetSlotList");
    for (int round = 0; round < 20; ++round) EXPECT_EQ(mac(*store).error().code, Errc::kUnavailable);
    EXPECT_LE(hsm_.calls("C_GetSlotList") - lists, 1u);
    EXPECT_FALSE(store->health().usable);
    // The anchor was never really gone: the first look at it heals everything, pause or not.
    count_from_here();
    hsm_.set_faults("");
    EXPECT_TRUE(mac(*store));
    EXPECT_TRUE(store->health().usable);
    EXPECT_EQ(logins(), 0u);
}

}  // namespace
}  // namespace sigillo::testing
