// Keys of the time-stamping token sign from a session object of their own, which the token makes from them:
// no weaker than they are, and gone with them.
#include <gtest/gtest.h>

#include "keystore/algorithms.h"
#include "keystore/pkcs11/pkcs11_token_keys.h"
#include "tests/keystore/raw_token.h"
#include "tests/support/soft_token.h"

namespace sigillo::testing {
namespace {

constexpr const char* kLabel = "unit";

class SessionCopy : public ::testing::TestWithParam<KeyAlgorithm> {
 protected:
    explicit SessionCopy(Through through = Through::kModule)
        : token_(through), keys_(open(token_)), raw_(token_) {
        made_ = keys_->create(kLabel, GetParam()).value();
        key_ = keys_->open(kLabel).value();
    }
    static std::unique_ptr<Pkcs11TokenKeys> open(const SoftToken& token) {
        TokenKeysConfig config;
        config.token = token.config();
        config.token_directory = SoftHsm::instance().token_directory();
        return Pkcs11TokenKeys::create(std::move(config), SoftToken::random(), SoftToken::logger()).value();
    }
    void expect_signs() {
        const SignatureScheme scheme{
            is_rsa(made_.algorithm) ? SignaturePadding::kPkcs1v15 : SignaturePadding::kNone,
            HashAlgorithm::kSha256};
        const Digest digest = Digest::create(HashAlgorithm::kSha256, Bytes(32, 7)).value();
        const auto signature = key_->sign(scheme, digest);
        ASSERT_TRUE(signature) << to_string(signature.error());
        EXPECT_TRUE(Verifier::create(made_).value().verify(scheme, digest, *signature).value());
    }
    CK_OBJECT_HANDLE original() const { return raw_.find(CKO_PRIVATE_KEY, kLabel); }
    CK_OBJECT_HANDLE copy() const {
        pkcs11::Template wanted;
        wanted.flag(CKA_TOKEN, false);
        raw_.module()->C_FindObjectsInit(raw_.session(), wanted.data(), wanted.size());
        CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
        CK_ULONG count = 0;
        raw_.module()->C_FindObjects(raw_.session(), &found, 1, &count);
        raw_.module()->C_FindObjectsFinal(raw_.session());
        return found;
    }
    bool flag_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
        return pkcs11::read_flag(raw_.module(), raw_.session(), object, type).value().value();
    }
    CK_RV copy_with(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool value) const {
        pkcs11::Template loose;
        loose.flag(CKA_TOKEN, false).flag(type, value);
        CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
        return raw_.module()->C_CopyObject(raw_.session(), object, loose.data(), loose.size(), &made);
    }

    SoftToken token_;
    std::unique_ptr<Pkcs11TokenKeys> keys_;
    RawToken raw_;
    PublicKey made_;
    std::shared_ptr<SigningKey> key_;
};

TEST_P(SessionCopy, SignsAndGoesWithItsKey) {
    EXPECT_EQ(raw_.session_objects(), 0u);
    expect_signs();
    expect_signs();
    EXPECT_EQ(raw_.session_objects(), 1u);
    key_ = keys_->open(kLabel).value();
    expect_signs();
    EXPECT_EQ(raw_.session_objects(), 1u) << "one copy, however often the key is opened";
    ASSERT_TRUE(keys_->destroy(kLabel));
    EXPECT_EQ(raw_.session_objects(), 0u);
}

TEST_P(SessionCopy, IsGuardedAsItsKeyIs) {
    expect_signs();
    for (const auto type :
         {CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE})
        EXPECT_TRUE(flag_of(copy(), type)) << type;
    for (const auto type : {CKA_TOKEN, CKA_EXTRACTABLE, CKA_DECRYPT, CKA_UNWRAP, CKA_DERIVE})
        EXPECT_FALSE(flag_of(copy(), type)) << type;
}

TEST_P(SessionCopy, NeitherSensitiveNorExtractableIsWeakenedInPlaceOrByCopying) {
    expect_signs();
    for (const CK_OBJECT_HANDLE object : {original(), copy()}) {
        EXPECT_NE(raw_.set_flag(object, CKA_EXTRACTABLE, true), CKR_OK);
        EXPECT_NE(raw_.set_flag(object, CKA_SENSITIVE, false), CKR_OK);
        EXPECT_NE(copy_with(object, CKA_EXTRACTABLE, true), CKR_OK);
        EXPECT_NE(copy_with(object, CKA_SENSITIVE, false), CKR_OK);
        EXPECT_NE(copy_with(object, CKA_PRIVATE, false), CKR_OK);
        const auto value = pkcs11::read_attribute(raw_.module(), raw_.session(), object, CKA_VALUE);
        EXPECT_TRUE(!value || !*value);
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, SessionCopy,
                         ::testing::Values(KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384,
                                           KeyAlgorithm::kRsa2048));

class SessionCopyWithFaults : public SessionCopy {
 protected:
    SessionCopyWithFaults() : SessionCopy(Through::kShim) {}
    ~SessionCopyWithFaults() override { SoftHsm::instance().set_faults(""); }
};

TEST_P(SessionCopyWithFaults, SignsFromTheTokensObject) {
    SoftHsm::instance().set_faults("C_CopyObject rv=0x1B");  // CKR_ACTION_PROHIBITED
    expect_signs();
    expect_signs();
    EXPECT_EQ(raw_.session_objects(), 0u);
    EXPECT_EQ(SoftHsm::instance().calls("C_CopyObject"), 1u) << "one attempt in a login";
}

TEST_P(SessionCopyWithFaults, DestructionTakesTheCopiesOfEarlierLoginsToo) {
    expect_signs();
    SoftHsm::instance().set_faults("C_SignInit rv=0x60 count=1");  // CKR_KEY_HANDLE_INVALID: found anew
    expect_signs();
    SoftHsm::instance().set_faults("");
    expect_signs();
    EXPECT_EQ(raw_.session_objects(), 2u);
    ASSERT_TRUE(keys_->destroy(kLabel));
    EXPECT_EQ(raw_.session_objects(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SessionCopyWithFaults, ::testing::Values(KeyAlgorithm::kEcP256));

}  // namespace
}  // namespace sigillo::testing
