// Enrolment and activation against a real token: seeds, PINs and keys under SoftHSM's keys.
#include <gtest/gtest.h>

#include "appliance/activation/activator.h"
#include "tests/activation/instance.h"
#include "tests/support/soft_token.h"

namespace sigillo::activation::testing {
namespace {

TEST(ActivationOnSoftHsm, pin_and_totp_lead_from_enrolment_to_a_signature) {
    const sigillo::testing::SoftToken token;
    const auto hsm = token.open();
    Instance instance({}, hsm.get());
    const ClientId client = instance.add_client();
    const SignerId signer = instance.add_signer();
    const Held pin = instance.enrol(signer, "pin", "142536");
    const Held totp = instance.enrol(signer, "totp");
    const CredentialId credential =
        instance.add_credential(signer, "pin and totp", {&pin, &totp}, {record::CLASS_ADVANCED, 10});
    const auto hashes = hashes_of(1);
    const auto authorize = [&](const std::string& pin_text, const std::string& code) {
        AuthorizeRequest request = instance.request(client, credential, hashes);
        show(request, "pin", pin_text);
        show(request, "totp", code);
        return run_to_end(instance.activator->authorize(request));
    };

    const auto refused = authorize("999888", instance.wrong_code(totp));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kAuthenticationFailed);
    const auto granted = authorize("142536", instance.totp(totp));
    ASSERT_TRUE(granted) << to_string(granted.error());

    const auto spent = instance.update([&](audit::Recorder& recorder) {
        return instance.sads->check_and_spend(
            recorder,
            {granted->sad, client, credential, record::HASH_TYPE_DTBSR, HashAlgorithm::kSha256, hashes});
    });
    ASSERT_TRUE(spent);
    const auto opening_key = open_opening_key(granted->sad, spent->sealed_opening_key, credential);
    ASSERT_TRUE(opening_key);
    const record::Credential stored = instance.credential(credential);
    const auto wrapped = open_with(*opening_key, as_bytes(stored.wrapped_key()), credential);
    ASSERT_TRUE(wrapped);
    const PublicKey public_key{KeyAlgorithm::kEcP256, to_bytes(stored.spki())};
    const auto key = hsm->unwrap({stored.wrap_scheme(), to_bytes(wrapped->expose())}, public_key);
    ASSERT_TRUE(key) << to_string(key.error());
    const auto signature = (*key)->sign({}, hashes[0]);
    ASSERT_TRUE(signature) << to_string(signature.error());
    const auto verifier = Verifier::create(public_key);
    ASSERT_TRUE(verifier);
    const auto holds = verifier->verify({}, hashes[0], *signature);
    ASSERT_TRUE(holds);
    EXPECT_TRUE(*holds);
}

TEST(ActivationOnSoftHsm, another_token_opens_neither_seed_nor_pin) {
    const sigillo::testing::SoftToken first;
    const sigillo::testing::SoftToken second;
    const auto home = first.open();
    const auto thief = second.open();
    SystemRandom random;
    const FactorId factor = FactorId::generate(random);
    const auto otp = new_otp(FactorType::kTotp, {}, factor, SignerId::generate(random), *home, random);
    ASSERT_TRUE(otp);
    EXPECT_TRUE(open_seed(factor, otp->record, *home));
    EXPECT_FALSE(open_seed(factor, otp->record, *thief));
    Pins pins({}, *home, random);
    const SecretBytes pin = SecretBytes::copy_of("142536");
    const auto record = pins.enrol(factor, pin);
    ASSERT_TRUE(record);
    EXPECT_TRUE(pins.unlock(factor, *record, pin));
    Pins guesser({}, *thief, random);
    EXPECT_FALSE(guesser.unlock(factor, *record, pin));
}

}  // namespace
}  // namespace sigillo::activation::testing
