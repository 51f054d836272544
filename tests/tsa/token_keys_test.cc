// The keys of units on a real token: made, used, destroyed; and a whole authority on it.
#include <gtest/gtest.h>

#include <thread>

#include "keystore/pkcs11/pkcs11_token_keys.h"
#include "tests/support/soft_token.h"
#include "tests/tsa/request_builder.h"
#include "tests/tsa/tsa_under_test.h"

namespace sigillo::tsa::testing {
namespace {

using sigillo::testing::SoftHsm;
using sigillo::testing::SoftToken;

// The token sigillo-tsa: initialised, and empty. One for all, as in the appliance.
std::unique_ptr<Pkcs11TokenKeys> open_keys(const std::filesystem::path& module = SoftHsm::module()) {
    static int number = 0;
    SoftHsm::instance();
    TokenInitialisation what;
    what.module_path = module;
    what.label = "sigillo-tsa-" + std::to_string(++number);
    what.so_pin = SecretBytes::copy_of("officer-of-the-day");
    what.user_pin = SecretBytes::copy_of("time-flies");
    TokenKeysConfig config;
    config.token.token_uri = must(initialise_token(what));
    config.token.pin = SecretBytes::copy_of("time-flies");
    config.token.session_wait = std::chrono::seconds(5);
    config.token_directory = SoftHsm::instance().token_directory();
    return must(Pkcs11TokenKeys::create(std::move(config), SoftToken::random(), SoftToken::logger()));
}

void expect_signs(SigningKey& key) {
    const PublicKey& public_key = key.public_key();
    if (public_key.algorithm == KeyAlgorithm::kEd25519) {
        EXPECT_TRUE(key.sign_message(as_bytes("a checkpoint")));
        return;
    }
    for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
        const SignatureScheme scheme{
            is_rsa(public_key.algorithm) ? SignaturePadding::kPkcs1v15 : SignaturePadding::kNone, hash};
        const Digest digest = digest_of(hash, as_bytes("a time stamp"));
        const auto signature = key.sign(scheme, digest);
        ASSERT_TRUE(signature) << to_string(signature.error());
        EXPECT_TRUE(must(must(Verifier::create(public_key)).verify(scheme, digest, *signature)));
    }
}

TEST(TokenKeys, KeysOfEveryKindAreMadeFoundUsedAndDestroyed) {
    const auto keys = open_keys();
    for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384, KeyAlgorithm::kRsa2048,
                                 KeyAlgorithm::kRsa3072, KeyAlgorithm::kEd25519}) {
        const std::string label = "key " + std::string(key_algorithm_name(algorithm));
        const auto made = keys->create(label, algorithm);
        ASSERT_TRUE(made) << label << ": " << to_string(made.error());
        EXPECT_EQ(made->algorithm, algorithm);
        const auto again = keys->create(label, algorithm);
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().code, Errc::kAlreadyExists);
        const auto key = must(keys->open(label));
        EXPECT_EQ(key->public_key(), *made);
        expect_signs(*key);
        must(keys->destroy(label));
        EXPECT_EQ(keys->open(label).error().code, Errc::kNotFound);
        EXPECT_EQ(keys->destroy(label).error().code, Errc::kNotFound);
        // Who still holds the object holds nothing.
        if (algorithm == KeyAlgorithm::kEd25519)
            EXPECT_FALSE(key->sign_message(as_bytes("x")));
        else
            EXPECT_FALSE(key->sign({is_rsa(algorithm) ? SignaturePadding::kPkcs1v15 : SignaturePadding::kNone,
                                    HashAlgorithm::kSha256},
                                   digest_of(HashAlgorithm::kSha256, as_bytes("x"))));
    }
    EXPECT_TRUE(keys->health().usable) << keys->health().reason;
}

TEST(TokenKeys, LabelsOfAnotherLengthAreRefused) {
    const auto keys = open_keys();
    for (const std::string& label : {std::string(), std::string(33, 'x')}) {
        EXPECT_EQ(keys->create(label, KeyAlgorithm::kEcP256).error().code, Errc::kInvalidArgument);
        EXPECT_EQ(keys->open(label).error().code, Errc::kInvalidArgument);
        EXPECT_EQ(keys->destroy(label).error().code, Errc::kInvalidArgument);
    }
}

TEST(TokenKeys, DestructionLeavesTheOthersAlone) {
    const auto keys = open_keys();
    must(keys->create("stays", KeyAlgorithm::kEcP256));
    must(keys->create("goes", KeyAlgorithm::kEcP256));
    const auto stays = must(keys->open("stays"));
    must(keys->destroy("goes"));
    expect_signs(*stays);
}

TEST(TokenKeys, LostSessionIsMendedAndTheKeyFoundAgain) {
    SoftHsm& hsm = SoftHsm::instance();
    const auto keys = open_keys(SoftHsm::shim());
    must(keys->create("a key", KeyAlgorithm::kEcP256));
    const auto key = must(keys->open("a key"));
    hsm.set_faults("C_SignInit rv=0xB3 count=1");  // CKR_SESSION_HANDLE_INVALID, once
    expect_signs(*key);
    hsm.set_faults("C_SignInit rv=0x60 count=1");  // CKR_KEY_HANDLE_INVALID: handles are found anew
    expect_signs(*key);
    hsm.set_faults("");
}

TEST(TokenKeys, AnAuthorityOnTheTokenStampsRotatesAndDestroys) {
    const auto keys = open_keys();
    TsaUnderTest tsa(keys.get());
    const UnitId first = tsa.add_unit(KeyAlgorithm::kEcP256);
    const RequestOptions options;
    const auto stamp = [&] {
        const auto request = TimeStampRequest::parse(libcrypto_request(options)).value();
        const auto response = run_to_end(tsa.authority->issue(request));
        ASSERT_TRUE(response) << response.error().text;
        EXPECT_EQ(verify_response(*response, libcrypto_request(options), tsa.ca.certificate()), "");
    };
    stamp();
    const UnitId second = tsa.ready_unit(KeyAlgorithm::kRsa2048);
    must(tsa.units->rotate(first, second));
    stamp();
    must(tsa.units->destroy(first));
    EXPECT_EQ(keys->open(first.str()).error().code, Errc::kNotFound);
    tsa.restart();
    stamp();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i) stamp();
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(tsa.events("tsa.token").size(), 83u);
}

}  // namespace
}  // namespace sigillo::tsa::testing
