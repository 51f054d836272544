// tests/README.md, 25: whoever runs code in sigillod, with its login, still cannot loosen or lift the keys.
#include <gtest/gtest.h>

#include "keystore/pkcs11/pkcs11_key_store.h"
#include "tests/keystore/raw_token.h"
#include "tests/support/soft_token.h"

namespace sigillo::testing {
namespace {

class TokenAttack : public ::testing::Test {
 protected:
    TokenAttack() : store_(token_.open()), raw_(token_) {
        const auto generated = store_->generate(KeyAlgorithm::kEcP256);
        if (generated) signer_ = store_->unwrap(generated->wrapped, generated->public_key).value_or(nullptr);
        EXPECT_TRUE(signer_);
    }

    // The signer's unwrapped key: the newest session object.
    CK_OBJECT_HANDLE signers_object() const {
        pkcs11::Template wanted;
        wanted.flag(CKA_TOKEN, false).number(CKA_CLASS, CKO_PRIVATE_KEY);
        raw_.module()->C_FindObjectsInit(raw_.session(), wanted.data(), wanted.size());
        CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
        CK_ULONG count = 0;
        raw_.module()->C_FindObjects(raw_.session(), &found, 1, &count);
        raw_.module()->C_FindObjectsFinal(raw_.session());
        EXPECT_EQ(count, 1u);
        return found;
    }
    std::vector<CK_OBJECT_HANDLE> all_keys() const {
        std::vector<CK_OBJECT_HANDLE> keys{signers_object()};
        for (const auto& label : {labels_.kek, labels_.records, labels_.pin_pepper, labels_.sealing})
            keys.push_back(raw_.find(CKO_SECRET_KEY, label));
        for (const auto& label : {labels_.log, labels_.ca}) keys.push_back(raw_.find(CKO_PRIVATE_KEY, label));
        return keys;
    }

    const KeyLabels labels_;
    SoftToken token_;
    std::unique_ptr<Pkcs11KeyStore> store_;
    RawToken raw_;
    std::shared_ptr<SigningKey> signer_;
};

TEST_F(TokenAttack, NoAttributeOfAnyKeyCanBeChanged) {
    for (const CK_OBJECT_HANDLE key : all_keys())
        for (const CK_ATTRIBUTE_TYPE type : {CKA_EXTRACTABLE, CKA_DECRYPT, CKA_ENCRYPT, CKA_UNWRAP, CKA_WRAP,
                                             CKA_SIGN, CKA_DERIVE, CKA_MODIFIABLE, CKA_COPYABLE})
            EXPECT_NE(raw_.set_flag(key, type, true), CKR_OK) << key << " " << type;
    for (const CK_OBJECT_HANDLE key : all_keys()) EXPECT_NE(raw_.set_flag(key, CKA_SENSITIVE, false), CKR_OK);
}

TEST_F(TokenAttack, NoKeyCanBeCopied) {
    for (const CK_OBJECT_HANDLE key : all_keys()) {
        pkcs11::Template loose;
        loose.flag(CKA_TOKEN, false);
        CK_OBJECT_HANDLE copy = CK_INVALID_HANDLE;
        EXPECT_NE(raw_.module()->C_CopyObject(raw_.session(), key, loose.data(), loose.size(), &copy),
                  CKR_OK);
    }
}

TEST_F(TokenAttack, NoKeyCanBeWrappedUnderAKnownOne) {
    const Bytes known(32, 0x17);
    pkcs11::Template made;
    made.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).flag(CKA_TOKEN, false);
    made.flag(CKA_WRAP, true).bytes(CKA_VALUE, known);
    CK_OBJECT_HANDLE thief = CK_INVALID_HANDLE;
    ASSERT_EQ(raw_.module()->C_CreateObject(raw_.session(), made.data(), made.size(), &thief), CKR_OK);
    const CK_OBJECT_HANDLE kek = raw_.find(CKO_SECRET_KEY, labels_.kek);
    for (const CK_OBJECT_HANDLE under : {thief, kek})
        for (const CK_OBJECT_HANDLE key : all_keys()) {
            CK_MECHANISM mechanism{CKM_AES_KEY_WRAP_PAD, nullptr, 0};
            Bytes out(8192);
            CK_ULONG size = out.size();
            EXPECT_NE(raw_.module()->C_WrapKey(raw_.session(), &mechanism, under, key, out.data(), &size),
                      CKR_OK)
                << key;
        }
}

TEST_F(TokenAttack, NoValueCanBeRead) {
    for (const CK_OBJECT_HANDLE key : all_keys()) {
        const auto value = pkcs11::read_attribute(raw_.module(), raw_.session(), key, CKA_VALUE);
        EXPECT_TRUE(!value || !*value);
    }
}

TEST_F(TokenAttack, TheKekDecryptsAndEncryptsNothing) {
    const CK_OBJECT_HANDLE kek = raw_.find(CKO_SECRET_KEY, labels_.kek);
    Bytes iv(16);
    for (const CK_MECHANISM_TYPE type : {CKM_AES_ECB, CKM_AES_CBC, CKM_AES_CBC_PAD}) {
        CK_MECHANISM mechanism{type, iv.data(), type == CKM_AES_ECB ? 0 : iv.size()};
        EXPECT_NE(raw_.module()->C_DecryptInit(raw_.session(), &mechanism, kek), CKR_OK);
        EXPECT_NE(raw_.module()->C_EncryptInit(raw_.session(), &mechanism, kek), CKR_OK);
    }
}

TEST_F(TokenAttack, TheKekWrapsByItsOwnMechanismAlone) {
    const auto generated = store_->generate(KeyAlgorithm::kEcP256);
    ASSERT_TRUE(generated);
    const CK_OBJECT_HANDLE kek = raw_.find(CKO_SECRET_KEY, labels_.kek);
    pkcs11::Template loose;
    loose.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_GENERIC_SECRET).flag(CKA_TOKEN, false);
    loose.flag(CKA_SENSITIVE, false).flag(CKA_EXTRACTABLE, true);
    Bytes blob = generated->wrapped.blob;
    CK_OBJECT_HANDLE out = CK_INVALID_HANDLE;
    CK_MECHANISM plain_wrap{CKM_AES_KEY_WRAP, nullptr, 0};
    EXPECT_NE(raw_.module()->C_UnwrapKey(raw_.session(), &plain_wrap, kek, blob.data(), blob.size(),
                                         loose.data(), loose.size(), &out),
              CKR_OK);
}

TEST_F(TokenAttack, AWrappedKeyCannotBeUnwrappedAsAnExtractableOne) {
    const auto generated = store_->generate(KeyAlgorithm::kEcP256);
    ASSERT_TRUE(generated);
    const CK_OBJECT_HANDLE kek = raw_.find(CKO_SECRET_KEY, labels_.kek);
    Bytes blob = generated->wrapped.blob;
    for (const bool sensitive : {false, true})
        for (const bool stated : {false, true}) {
            if (sensitive && !stated) continue;
            pkcs11::Template loose;
            loose.number(CKA_CLASS, CKO_PRIVATE_KEY)
                .number(CKA_KEY_TYPE, CKK_EC)
                .flag(CKA_TOKEN, false)
                .flag(CKA_PRIVATE, true);
            if (stated) loose.flag(CKA_SENSITIVE, sensitive).flag(CKA_EXTRACTABLE, true);
            CK_MECHANISM mechanism{CKM_AES_KEY_WRAP_PAD, nullptr, 0};
            CK_OBJECT_HANDLE out = CK_INVALID_HANDLE;
            EXPECT_NE(raw_.module()->C_UnwrapKey(raw_.session(), &mechanism, kek, blob.data(), blob.size(),
                                                 loose.data(), loose.size(), &out),
                      CKR_OK);
        }
}

TEST_F(TokenAttack, TheKekCannotBeDestroyed) {
    const CK_OBJECT_HANDLE kek = raw_.find(CKO_SECRET_KEY, labels_.kek);
    EXPECT_NE(raw_.module()->C_DestroyObject(raw_.session(), kek), CKR_OK);
}

TEST_F(TokenAttack, ASignersKeyDoesNothingButSign) {
    const CK_OBJECT_HANDLE key = signers_object();
    CK_MECHANISM derive{CKM_ECDH1_DERIVE, nullptr, 0};
    CK_OBJECT_HANDLE out = CK_INVALID_HANDLE;
    EXPECT_NE(raw_.module()->C_DeriveKey(raw_.session(), &derive, key, nullptr, 0, &out), CKR_OK);
    CK_MECHANISM decrypt{CKM_RSA_PKCS, nullptr, 0};
    EXPECT_NE(raw_.module()->C_DecryptInit(raw_.session(), &decrypt, key), CKR_OK);
}

}  // namespace
}  // namespace sigillo::testing
