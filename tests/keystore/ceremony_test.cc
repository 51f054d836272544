#include "keystore/pkcs11/ceremony.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keystore/pkcs11/object_templates.h"
#include "keystore/signing_key.h"
#include "tests/keystore/raw_token.h"
#include "tests/support/soft_token.h"

namespace sigillo::testing {
namespace {

CeremonyConfig ceremony_of(const SoftToken& token) {
    CeremonyConfig config;
    config.token_uri = token.uri();
    config.pin = token.pin();
    config.token_directory = SoftHsm::instance().token_directory();
    return config;
}

std::string bare_token(const std::string& label) {
    TokenInitialisation what;
    what.module_path = SoftHsm::module();
    what.label = label;
    what.so_pin = SecretBytes::copy_of(SoftToken::kSoPin);
    what.user_pin = SecretBytes::copy_of(SoftToken::kPin);
    const auto uri = initialise_token(what);
    EXPECT_TRUE(uri) << to_string(uri.error());
    return uri.value_or("");
}

Result<std::unique_ptr<Pkcs11KeyStore>> open_store(const SoftToken& token) {
    return Pkcs11KeyStore::create(token.config(), SoftToken::random(), SoftToken::logger());
}

// Destroys what can be, and puts another object in the place of one of the ceremony's.
void replace_secret(const RawToken& raw, const std::string& label, CK_KEY_TYPE type,
                    const std::function<void(pkcs11::Template&)>& shape) {
    const CK_OBJECT_HANDLE old = raw.find(CKO_SECRET_KEY, label);
    ASSERT_EQ(raw.module()->C_DestroyObject(raw.session(), old), CKR_OK);
    pkcs11::Template made;
    made.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, type).number(CKA_VALUE_LEN, 32);
    made.flag(CKA_TOKEN, true).flag(CKA_PRIVATE, true).bytes(CKA_LABEL, as_bytes(label));
    shape(made);
    CK_MECHANISM mechanism{type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN, nullptr, 0};
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    ASSERT_EQ(raw.module()->C_GenerateKey(raw.session(), &mechanism, made.data(), made.size(), &handle),
              CKR_OK);
}

TEST(Ceremony, MakesEveryObjectAndSaysWhat) {
    const SoftToken token(Through::kModule, KeyAlgorithm::kEcP384);
    const CeremonyReport& report = token.ceremony();
    EXPECT_TRUE(report.created);
    EXPECT_EQ(report.objects.size(), pkcs11::kRoleObjects);
    EXPECT_EQ(report.wrapping_scheme, "CKM_AES_KEY_WRAP_PAD");
    EXPECT_EQ(report.known_answer,
              KnownAnswer::kHeldAligned);  // SoftHSM pads with zeros to a multiple of 8
    EXPECT_EQ(report.log_key.algorithm, KeyAlgorithm::kEd25519);
    EXPECT_EQ(report.ca_key.algorithm, KeyAlgorithm::kEcP384);
    EXPECT_TRUE(Verifier::create(report.ca_key));
    EXPECT_TRUE(report.not_known.empty());
}

TEST(Ceremony, ASecondRunChangesNothingAndFindsTheSame) {
    const SoftToken token;
    const auto again = run_ceremony(ceremony_of(token), SoftToken::random());
    ASSERT_TRUE(again) << to_string(again.error());
    EXPECT_FALSE(again->created);
    EXPECT_EQ(again->log_key, token.ceremony().log_key);
    EXPECT_EQ(again->ca_key, token.ceremony().ca_key);
}

TEST(Ceremony, RefusesATokenWithHalfOfTheObjectsAndNamesBothHalves) {
    const SoftToken token;
    const RawToken raw(token);
    const KeyLabels labels;
    ASSERT_EQ(raw.module()->C_DestroyObject(raw.session(), raw.find(CKO_SECRET_KEY, labels.records)), CKR_OK);
    const auto again = run_ceremony(ceremony_of(token), SoftToken::random());
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::kConflict);
    EXPECT_NE(again.error().detail.find("but not " + labels.records), std::string::npos)
        << again.error().detail;
    EXPECT_NE(again.error().detail.find(labels.kek), std::string::npos);

    const auto store = open_store(token);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kNotFound);
    EXPECT_NE(store.error().detail.find(labels.records), std::string::npos);
    EXPECT_NE(store.error().detail.find("ceremony"), std::string::npos);
}

TEST(Ceremony, LeavesNoSessionObjectBehind) {
    const SoftToken token;
    EXPECT_EQ(RawToken(token).session_objects(), 0u);
}

TEST(Ceremony, RefusesBadArguments) {
    const SoftToken token;
    CeremonyConfig rsa = ceremony_of(token);
    rsa.ca_algorithm = KeyAlgorithm::kRsa2048;
    EXPECT_EQ(run_ceremony(rsa, SoftToken::random()).error().field, "ca_algorithm");
    CeremonyConfig twice = ceremony_of(token);
    twice.labels.records = twice.labels.kek;
    EXPECT_EQ(run_ceremony(twice, SoftToken::random()).error().field, "labels");
    CeremonyConfig no_pin = ceremony_of(token);
    no_pin.pin = {};
    EXPECT_EQ(run_ceremony(no_pin, SoftToken::random()).error().field, "pin");
}

TEST(TokenInitialisation, RefusesASecondTokenOfTheSameLabel) {
    bare_token("only-one");
    TokenInitialisation what;
    what.module_path = SoftHsm::module();
    what.label = "only-one";
    what.so_pin = SecretBytes::copy_of(SoftToken::kSoPin);
    what.user_pin = SecretBytes::copy_of(SoftToken::kPin);
    EXPECT_EQ(initialise_token(what).error().code, Errc::kAlreadyExists);
    what.label = "";
    EXPECT_EQ(initialise_token(what).error().field, "label");
    what.label = "another";
    what.user_pin = SecretBytes::copy_of("123");
    EXPECT_EQ(initialise_token(what).error().field, "user_pin");
    what.module_path = "libsofthsm2.so";
    EXPECT_EQ(initialise_token(what).error().field, "module_path");
}

TEST(TokenInitialisation, AModuleThatIsNotThereIsNamed) {
    TokenInitialisation what;
    what.module_path = SoftHsm::instance().directory() / "no-such-module.so";
    what.label = "x";
    what.so_pin = SecretBytes::copy_of(SoftToken::kSoPin);
    what.user_pin = SecretBytes::copy_of(SoftToken::kPin);
    const auto uri = initialise_token(what);
    ASSERT_FALSE(uri);
    EXPECT_EQ(uri.error().code, Errc::kNotFound);
    EXPECT_NE(uri.error().detail.find("no-such-module.so"), std::string::npos);
}

TEST(StartUp, ATokenWithoutCeremonyIsRefusedWithWhatToDo) {
    Pkcs11Config config;
    config.token_uri = bare_token("bare");
    config.pin = SecretBytes::copy_of(SoftToken::kPin);
    const auto store = Pkcs11KeyStore::create(std::move(config), SoftToken::random(), SoftToken::logger());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kNotFound);
    EXPECT_NE(store.error().detail.find("ceremony` first"), std::string::npos) << store.error().detail;
}

TEST(StartUp, ATokenThatIsNotThereIsNotFound) {
    SoftHsm::instance();
    Pkcs11Config config;
    config.token_uri = "pkcs11:token=nowhere?module-path=" + SoftHsm::module().string();
    config.pin = SecretBytes::copy_of(SoftToken::kPin);
    EXPECT_EQ(
        Pkcs11KeyStore::create(std::move(config), SoftToken::random(), SoftToken::logger()).error().code,
        Errc::kNotFound);
}

// A KEK weakened in one way at a time. The ceremony's own cannot be destroyed, so the weak one has another
// label, and the store is told to look there.
struct Weakness {
    const char* name;
    std::function<void(pkcs11::Template&)> shape;
    const char* named;
    friend void PrintTo(const Weakness& weakness, std::ostream* out) { *out << weakness.name; }
};

class WeakKek : public ::testing::TestWithParam<Weakness> {};

TEST_P(WeakKek, IsRefusedByTheNameOfTheAttribute) {
    const SoftToken token;
    const RawToken raw(token);
    pkcs11::Template made;
    made.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).number(CKA_VALUE_LEN, 32);
    made.flag(CKA_TOKEN, true).flag(CKA_PRIVATE, true).bytes(CKA_LABEL, as_bytes("weak-kek"));
    GetParam().shape(made);
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    ASSERT_EQ(raw.module()->C_GenerateKey(raw.session(), &mechanism, made.data(), made.size(), &handle),
              CKR_OK);

    Pkcs11Config config = token.config();
    config.labels.kek = "weak-kek";
    const auto store = Pkcs11KeyStore::create(std::move(config), SoftToken::random(), SoftToken::logger());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kCorrupt);
    EXPECT_NE(store.error().detail.find(GetParam().named), std::string::npos) << store.error().detail;
    EXPECT_NE(store.error().detail.find("the KEK weak-kek"), std::string::npos) << store.error().detail;
}

const std::vector<CK_MECHANISM_TYPE> kWrapOnly{CKM_AES_KEY_WRAP_PAD};
const std::vector<CK_MECHANISM_TYPE> kWrapAndCbc{CKM_AES_KEY_WRAP_PAD, CKM_AES_CBC};

enum class UnwrapTemplate { kRight, kMissing, kLoose };

void strong(pkcs11::Template& to, std::initializer_list<CK_ATTRIBUTE_TYPE> flipped,
            const std::vector<CK_MECHANISM_TYPE>* allowed = &kWrapOnly,
            UnwrapTemplate unwrapping = UnwrapTemplate::kRight) {
    static CK_BBOOL yes = CK_TRUE;
    static const CK_ATTRIBUTE kLoose[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &yes, 1}};
    if (unwrapping == UnwrapTemplate::kRight)
        to.attributes(CKA_UNWRAP_TEMPLATE, pkcs11::unwrap_template(), pkcs11::kUnwrapTemplateSize);
    if (unwrapping == UnwrapTemplate::kLoose) to.attributes(CKA_UNWRAP_TEMPLATE, kLoose, 2);
    const auto flag = [&](CK_ATTRIBUTE_TYPE type, bool value) {
        to.flag(type, value != (std::ranges::count(flipped, type) == 1));
    };
    flag(CKA_SENSITIVE, true);
    flag(CKA_EXTRACTABLE, false);
    flag(CKA_COPYABLE, false);
    flag(CKA_DESTROYABLE, false);
    flag(CKA_ENCRYPT, false);
    flag(CKA_DECRYPT, false);
    flag(CKA_SIGN, false);
    flag(CKA_VERIFY, false);
    flag(CKA_WRAP, true);
    flag(CKA_UNWRAP, true);
    flag(CKA_DERIVE, false);
    if (allowed != nullptr) to.mechanisms(*allowed);
    flag(CKA_MODIFIABLE, false);
}

Weakness flipped(const char* name, CK_ATTRIBUTE_TYPE type, const char* named) {
    return {name, [type](pkcs11::Template& to) { strong(to, {type}); }, named};
}

INSTANTIATE_TEST_SUITE_P(
    StartUp, WeakKek,
    ::testing::Values(
        flipped("Decrypt", CKA_DECRYPT, "CKA_DECRYPT is true"),
        flipped("Encrypt", CKA_ENCRYPT, "CKA_ENCRYPT is true"),
        flipped("Extractable", CKA_EXTRACTABLE, "CKA_EXTRACTABLE is true"),
        flipped("NotSensitive", CKA_SENSITIVE, "CKA_SENSITIVE is false"),
        flipped("Modifiable", CKA_MODIFIABLE, "CKA_MODIFIABLE is true"),
        flipped("Copyable", CKA_COPYABLE, "CKA_COPYABLE is true"),
        flipped("Destroyable", CKA_DESTROYABLE, "CKA_DESTROYABLE is true"),
        flipped("Derive", CKA_DERIVE, "CKA_DERIVE is true"), flipped("Sign", CKA_SIGN, "CKA_SIGN is true"),
        flipped("CannotUnwrap", CKA_UNWRAP, "CKA_UNWRAP is false"),
        Weakness{"EveryMechanism", [](pkcs11::Template& to) { strong(to, {}, nullptr); },
                 "CKA_ALLOWED_MECHANISMS is empty"},
        Weakness{"NoUnwrapTemplate",
                 [](pkcs11::Template& to) { strong(to, {}, &kWrapOnly, UnwrapTemplate::kMissing); },
                 "CKA_UNWRAP_TEMPLATE is absent"},
        Weakness{"LooseUnwrapTemplate",
                 [](pkcs11::Template& to) { strong(to, {}, &kWrapOnly, UnwrapTemplate::kLoose); },
                 "CKA_UNWRAP_TEMPLATE is not"},
        Weakness{"OneMechanismMore", [](pkcs11::Template& to) { strong(to, {}, &kWrapAndCbc); },
                 "CKA_ALLOWED_MECHANISMS holds mechanism"}),
    [](const auto& test) { return test.param.name; });

TEST(StartUp, AnImportedKekIsRefusedSinceSomebodyKnowsIt) {
    const SoftToken token;
    const RawToken raw(token);
    const Bytes known(32, 0x42);
    pkcs11::Template made;
    made.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).bytes(CKA_VALUE, known);
    made.flag(CKA_TOKEN, true).flag(CKA_PRIVATE, true).bytes(CKA_LABEL, as_bytes("known-kek"));
    strong(made, {});
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    ASSERT_EQ(raw.module()->C_CreateObject(raw.session(), made.data(), made.size(), &handle), CKR_OK);
    Pkcs11Config config = token.config();
    config.labels.kek = "known-kek";
    const auto store = Pkcs11KeyStore::create(std::move(config), SoftToken::random(), SoftToken::logger());
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().detail.find("CKA_ALWAYS_SENSITIVE is false"), std::string::npos)
        << store.error().detail;
    EXPECT_NE(store.error().detail.find("CKA_NEVER_EXTRACTABLE is false"), std::string::npos);
}

TEST(StartUp, AWeakSealingOrMacKeyIsRefused) {
    const KeyLabels labels;
    {
        const SoftToken token;
        const RawToken raw(token);
        replace_secret(raw, labels.sealing, CKK_AES,
                       [](pkcs11::Template& made) { made.flag(CKA_EXTRACTABLE, true); });
        const auto store = open_store(token);
        ASSERT_FALSE(store);
        EXPECT_EQ(store.error().code, Errc::kCorrupt);
        EXPECT_NE(store.error().detail.find("the sealing key"), std::string::npos) << store.error().detail;
    }
    {
        const SoftToken token;
        const RawToken raw(token);
        replace_secret(raw, labels.records, CKK_GENERIC_SECRET,
                       [](pkcs11::Template& made) { made.flag(CKA_SIGN, true); });
        const auto store = open_store(token);
        ASSERT_FALSE(store);
        EXPECT_EQ(store.error().code, Errc::kCorrupt);
        EXPECT_NE(store.error().detail.find("the record-MAC key"), std::string::npos) << store.error().detail;
    }
}

TEST(StartUp, ASecondObjectOfALabelIsRefused) {
    const SoftToken token;
    const RawToken raw(token);
    const KeyLabels labels;
    pkcs11::Template made;
    made.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).number(CKA_VALUE_LEN, 32);
    made.flag(CKA_TOKEN, true).flag(CKA_PRIVATE, true).bytes(CKA_LABEL, as_bytes(labels.kek));
    strong(made, {});
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    ASSERT_EQ(raw.module()->C_GenerateKey(raw.session(), &mechanism, made.data(), made.size(), &handle),
              CKR_OK);
    const auto store = open_store(token);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kCorrupt);
    EXPECT_NE(store.error().detail.find("two objects"), std::string::npos);
}

TEST(StartUp, APublicKeyOfSomebodyElseIsFound) {
    const SoftToken token;
    const SoftToken other;
    const RawToken raw(token);
    const RawToken from(other);
    const KeyLabels labels;
    const auto point = pkcs11::read_attribute(from.module(), from.session(),
                                              from.find(CKO_PUBLIC_KEY, labels.ca), CKA_EC_POINT);
    const auto params = pkcs11::read_attribute(from.module(), from.session(),
                                               from.find(CKO_PUBLIC_KEY, labels.ca), CKA_EC_PARAMS);
    ASSERT_TRUE(point && *point && params && *params);
    ASSERT_EQ(raw.module()->C_DestroyObject(raw.session(), raw.find(CKO_PUBLIC_KEY, labels.ca)), CKR_OK);
    pkcs11::Template made;
    made.number(CKA_CLASS, CKO_PUBLIC_KEY)
        .number(CKA_KEY_TYPE, CKK_EC)
        .flag(CKA_TOKEN, true)
        .flag(CKA_PRIVATE, false);
    made.bytes(CKA_LABEL, as_bytes(labels.ca)).bytes(CKA_EC_POINT, **point).bytes(CKA_EC_PARAMS, **params);
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    ASSERT_EQ(raw.module()->C_CreateObject(raw.session(), made.data(), made.size(), &handle), CKR_OK);
    const auto store = open_store(token);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kCorrupt);
    EXPECT_NE(store.error().detail.find("does not belong"), std::string::npos) << store.error().detail;
}

}  // namespace
}  // namespace sigillo::testing
