// authorize by PIN and by several factors: tests/README.md, 16 and 19.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/activation/activation_fixture.h"

namespace sigillo::activation::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPin = "142536";

// -----------------------------------------------------------------------------------

class PinActivation : public ActivationTest {
 protected:
    Held pin_ = instance_.enrol(signer_, "pin", std::string(kPin));
    Held totp_ = instance_.enrol(signer_, "totp");
    CredentialId credential_ = instance_.add_credential(signer_, "pin", {&pin_});
    CredentialId both_ = instance_.add_credential(signer_, "pin and totp", {&pin_, &totp_});

    Result<Authorization> authorize_both(const std::string& pin, const std::string& totp) {
        AuthorizeRequest made = request(both_);
        show(made, "pin", pin);
        show(made, "totp", totp);
        return authorize(std::move(made));
    }
};

TEST_F(PinActivation, the_sad_opens_the_key_that_the_pin_sealed) {
    const auto granted = authorize(credential_, "pin", std::string(kPin));
    ASSERT_TRUE(granted) << to_string(granted.error());
    const auto spent = sign(*granted, credential_, hashes_);
    ASSERT_TRUE(spent);
    const auto opening_key = open_opening_key(granted->sad, spent->sealed_opening_key, credential_);
    ASSERT_TRUE(opening_key);
    const record::Credential credential = instance_.credential(credential_);
    const auto wrapped = open_with(*opening_key, as_bytes(credential.wrapped_key()), credential_);
    ASSERT_TRUE(wrapped);
    PublicKey expected;
    expected.spki = to_bytes(credential.spki());
    EXPECT_TRUE(instance_.keys.unwrap({credential.wrap_scheme(), to_bytes(wrapped->expose())}, expected));
    EXPECT_FALSE(
        instance_.keys.unwrap({credential.wrap_scheme(), to_bytes(credential.wrapped_key())}, expected))
        << "without the PIN the store's bytes are no wrapped key";
}

TEST_F(PinActivation, wrong_pins_are_refused_and_lock) {
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(answer(authorize(credential_, "pin", "999888")), Errc::kAuthenticationFailed);
    EXPECT_EQ(answer(authorize(credential_, "pin", std::string(kPin))), Errc::kLocked);
}

TEST_F(PinActivation, activation_guesses_on_throw_away_credentials_lock_the_pin_everywhere) {
    for (int i = 0; i < 5; ++i) {
        const CredentialId decoy = instance_.add_credential(signer_, "pin", {&pin_});
        EXPECT_EQ(answer(authorize(decoy, "pin", std::to_string(900'000 + i))), Errc::kAuthenticationFailed);
    }
    EXPECT_EQ(instance_.events("activation.attempt").back()["locks_factors"],
              nlohmann::json::array({pin_.id.str()}));
    EXPECT_EQ(answer(authorize(credential_, "pin", std::string(kPin))), Errc::kLocked);
    EXPECT_EQ(answer(authorize_both(std::string(kPin), instance_.totp(totp_))), Errc::kLocked);
    instance_.clock.advance(60s);
    EXPECT_EQ(answer(authorize(credential_, "pin", std::string(kPin))), Errc{});
    EXPECT_EQ(answer(authorize_both(std::string(kPin), instance_.totp(totp_))), Errc{})
        << "the count starts anew";
}

TEST_F(PinActivation, a_wrong_code_beside_a_right_branch_stays_counted) {
    const CredentialId either = instance_.add_credential(signer_, "totp or click", {&totp_});
    const std::string wrong = instance_.wrong_code(totp_);
    const auto guess = [&] {
        AuthorizeRequest made = request(either);
        show(made, "click", instance_.click(hashes_));
        show(made, "totp", wrong);
        return answer(authorize(std::move(made)));
    };
    for (int i = 0; i < 5; ++i) EXPECT_EQ(guess(), Errc{}) << "the click satisfies the policy";
    EXPECT_EQ(guess(), Errc::kLocked);
    EXPECT_EQ(answer(authorize_both(std::string(kPin), instance_.totp(totp_))), Errc::kLocked);
    EXPECT_EQ(answer(authorize(credential_, "pin", std::string(kPin))), Errc{}) << "another factor's";
}

TEST_F(PinActivation, right_pins_at_once_on_credentials_that_share_it_are_all_granted) {
    std::vector<CredentialId> credentials;
    for (int i = 0; i < 20; ++i) credentials.push_back(instance_.add_credential(signer_, "pin", {&pin_}));
    const auto answers = at_once(20, [&](int i) {
        return authorize(credentials[static_cast<std::size_t>(i)], "pin", std::string(kPin));
    });
    EXPECT_EQ(answers.at(Errc{}), 20);
}

TEST_F(PinActivation, twenty_right_pins_at_once_are_twenty_grants) {
    const auto answers = at_once(20, [&](int i) {
        AuthorizeRequest made = instance_.request(client_, credential_, {hash_of(std::to_string(i))});
        show(made, "pin", std::string(kPin));
        return run_to_end(instance_.activator->authorize(made));
    });
    EXPECT_EQ(answers.at(Errc{}), 20);
}

TEST_F(PinActivation, the_answer_does_not_tell_which_factor_was_wrong) {
    const std::string wrong = instance_.wrong_code(totp_);
    const auto wrong_totp = authorize_both(std::string(kPin), wrong);
    const auto wrong_pin = authorize_both("999888", instance_.totp(totp_));
    const auto wrong_both = authorize_both("999888", wrong);
    for (const auto* refused : {&wrong_totp, &wrong_pin, &wrong_both}) {
        ASSERT_FALSE(*refused);
        EXPECT_EQ(refused->error().code, Errc::kAuthenticationFailed);
        EXPECT_EQ(refused->error().detail, wrong_both.error().detail);
        EXPECT_EQ(refused->error().field, wrong_both.error().field);
    }
}

TEST_F(PinActivation, a_right_otp_is_spent_even_if_the_pin_was_wrong) {
    const std::string code = instance_.totp(totp_);
    EXPECT_EQ(answer(authorize_both("999888", code)), Errc::kAuthenticationFailed);
    EXPECT_EQ(answer(authorize_both(std::string(kPin), code)), Errc::kAuthenticationFailed);
    instance_.clock.advance(30s);
    EXPECT_EQ(answer(authorize_both(std::string(kPin), instance_.totp(totp_))), Errc{});
    const auto factors = instance_.events("activation.granted").back()["factors"];
    EXPECT_EQ(factors, nlohmann::json::array({"pin:" + pin_.id.str(), "totp:" + totp_.id.str()}));
}

TEST_F(PinActivation, a_missing_factor_is_refused_before_anything_is_verified) {
    const std::string code = instance_.totp(totp_);
    EXPECT_EQ(answer(authorize(both_, "totp", code)), Errc::kAuthenticationFailed);
    EXPECT_EQ(instance_.state(both_).failures(), 0U);
    EXPECT_EQ(answer(authorize_both(std::string(kPin), code)), Errc{});
}

TEST_F(PinActivation, click_and_an_otp_fail_alike_but_bad_click_evidence_is_told) {
    const CredentialId credential = instance_.add_credential(signer_, "click and totp", {&totp_});
    const auto both = [&](const std::string& click, const std::string& code) {
        AuthorizeRequest made = request(credential);
        show(made, "click", click);
        show(made, "totp", code);
        return authorize(std::move(made));
    };
    const std::string wrong = instance_.wrong_code(totp_);
    EXPECT_EQ(answer(both(instance_.click(hashes_), wrong)), Errc::kOtpInvalid);
    const auto bad_click = both("{}", wrong);
    const std::string code = instance_.totp(totp_);
    const auto bad_click_right_code = both("{}", code);
    ASSERT_FALSE(bad_click || bad_click_right_code);
    EXPECT_EQ(bad_click.error().code, Errc::kAuthenticationFailed);
    EXPECT_EQ(bad_click.error().detail, bad_click_right_code.error().detail);
    EXPECT_EQ(answer(both(instance_.click(hashes_), code)), Errc::kOtpInvalid) << "spent with the bad click";
    instance_.clock.advance(30s);
    EXPECT_EQ(answer(both(instance_.click(hashes_), instance_.totp(totp_))), Errc{});
}

TEST_F(PinActivation, a_lock_holds_for_every_branch_of_the_policy) {
    const CredentialId credential = instance_.add_credential(signer_, "click or totp", {&totp_});
    EXPECT_EQ(answer(authorize(credential, "click", instance_.click(hashes_))), Errc{});
    const std::string wrong = instance_.wrong_code(totp_);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(answer(authorize(credential, "totp", wrong)), Errc::kOtpInvalid);
    EXPECT_EQ(answer(authorize(credential, "click", instance_.click(hashes_))), Errc::kLocked);
}

TEST_F(PinActivation, neither_pin_nor_code_is_in_the_log_or_in_an_error) {
    const std::string code = instance_.totp(totp_);
    const auto refused = authorize_both("my wrong pin", code);
    ASSERT_FALSE(refused);
    EXPECT_EQ(to_string(refused.error()).find("my wrong pin"), std::string::npos);
    for (const auto& event : instance_.events()) {
        EXPECT_EQ(event.dump().find("my wrong pin"), std::string::npos);
        EXPECT_EQ(event.dump().find(code), std::string::npos);
    }
}

TEST_F(PinActivation, activation_a_sad_of_one_signer_does_not_serve_anothers_key) {
    const SignerId other_signer = instance_.add_signer();
    const Held other_pin = instance_.enrol(other_signer, "pin", std::string(kPin));
    const CredentialId others = instance_.add_credential(other_signer, "pin", {&other_pin});
    const auto granted = authorize(credential_, "pin", std::string(kPin));
    ASSERT_TRUE(granted);
    const auto refused = sign(*granted, others, hashes_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kSadInvalid);
}

}  // namespace
}  // namespace sigillo::activation::testing
