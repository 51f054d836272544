// authorize by TOTP and HOTP, lockout included: tests/README.md, 13 to 16.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/activation/activation_fixture.h"

namespace sigillo::activation::testing {
namespace {

using namespace std::chrono_literals;

// ----------------------------------------------------------------------------------------------------

class TotpActivation : public ActivationTest {
 protected:
    Held totp_ = instance_.enrol(signer_, "totp");
    CredentialId credential_ = instance_.add_credential(signer_, "totp", {&totp_});
};

TEST_F(TotpActivation, a_right_code_is_accepted_once) {
    const std::string code = instance_.totp(totp_);
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc{});
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc::kOtpInvalid);
    EXPECT_EQ(instance_.events("activation.granted").back()["factors"],
              nlohmann::json::array({"totp:" + totp_.id.str()}));
    for (const auto& event : instance_.events()) EXPECT_EQ(event.dump().find(code), std::string::npos);
}

TEST_F(TotpActivation, activation_the_same_code_on_twenty_connections_at_once_is_accepted_once) {
    const std::string code = instance_.totp(totp_);
    const auto answers = at_once(20, [&](int) { return authorize(credential_, "totp", code); });
    EXPECT_EQ(answers.at(Errc{}), 1);
    // Those before the accepted one cannot be: it is right for whoever comes first; five after it lock.
    EXPECT_EQ(answers.at(Errc::kOtpInvalid), 5);
    EXPECT_EQ(answers.at(Errc::kLocked), 14);
    EXPECT_EQ(instance_.count("activation.granted"), 1U);
}

TEST_F(TotpActivation, activation_a_code_replayed_after_a_restart_is_refused) {
    const std::string code = instance_.totp(totp_);
    ASSERT_EQ(answer(authorize(credential_, "totp", code)), Errc{});
    instance_.restart();
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc::kOtpInvalid);
}

TEST_F(TotpActivation, activation_the_clock_set_back_ten_minutes_leaves_a_spent_code_spent) {
    const std::string code = instance_.totp(totp_);
    ASSERT_EQ(answer(authorize(credential_, "totp", code)), Errc{});
    instance_.clock.set_wall(instance_.clock.now() - 600s);
    const std::string earlier = instance_.totp(totp_);
    EXPECT_EQ(answer(authorize(credential_, "totp", earlier)), Errc::kOtpInvalid)
        << "a step before the last accepted one";
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc::kOtpInvalid);
    instance_.clock.advance(600s);
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc::kOtpInvalid) << "time has caught up";
    instance_.clock.advance(30s);
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc{});
}

TEST_F(TotpActivation, no_factor_is_accepted_and_no_step_stored_while_the_clock_is_not_trusted) {
    const std::string code = instance_.totp(totp_);
    instance_.clock_status = fail(Errc::kClockUntrusted, "jumped");
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc::kClockUntrusted);
    EXPECT_EQ(instance_.state(credential_).failures(), 0U);
    instance_.clock_status = {};
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc{}) << "the code was not spent";
}

TEST_F(TotpActivation, activation_wrong_codes_in_parallel_lock_after_exactly_five) {
    const std::string wrong = instance_.wrong_code(totp_);
    const auto answers = at_once(20, [&](int) { return authorize(credential_, "totp", wrong); });
    EXPECT_EQ(answers.at(Errc::kOtpInvalid), 5);
    EXPECT_EQ(answers.at(Errc::kLocked), 15);
    EXPECT_EQ(instance_.state(credential_).failures(), 5U);
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc::kLocked)
        << "the right one, too";
    instance_.clock.advance(60s);
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc{});
    EXPECT_EQ(instance_.state(credential_).failures(), 0U);
}

TEST_F(TotpActivation, every_attempt_and_its_verdict_are_in_the_log) {
    const std::string wrong = instance_.wrong_code(totp_);
    for (int i = 0; i < 7; ++i) (void)answer(authorize(credential_, "totp", wrong));
    const auto attempts = instance_.events("activation.attempt");
    ASSERT_EQ(attempts.size(), 5U);
    EXPECT_EQ(attempts[3]["failures"], 4);
    EXPECT_FALSE(attempts[3].contains("locks"));
    EXPECT_EQ(attempts[4]["locks"], true);
    const auto refusals = instance_.events("activation.refused");
    ASSERT_EQ(refusals.size(), 7U);
    EXPECT_EQ(refusals[4]["reason"], "otp_invalid");
    EXPECT_EQ(refusals[5]["reason"], "locked");
    EXPECT_EQ(instance_.activator->metrics().refused, 7U);
}

TEST_F(TotpActivation, an_officer_unlocks) {
    const std::string wrong = instance_.wrong_code(totp_);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(answer(authorize(credential_, "totp", wrong)), Errc::kOtpInvalid);
    ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) {
        return instance_.activator->lockout().unlock(recorder, credential_, "uid:0", "asked in person");
    }));
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc{});
}

TEST_F(TotpActivation, a_factor_enrolled_later_does_not_serve_an_existing_credential) {
    const Held intruder = instance_.enrol(signer_, "totp");
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(intruder))), Errc::kOtpInvalid);
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc{});
}

TEST_F(TotpActivation, a_deleted_factor_activates_nothing) {
    ASSERT_TRUE(instance_.enrolment->remove(client_, "bank", signer_, totp_.id));
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc::kOtpInvalid);
}

TEST_F(TotpActivation, two_credentials_of_one_factor_share_its_steps) {
    const CredentialId other = instance_.add_credential(signer_, "totp", {&totp_});
    const std::string code = instance_.totp(totp_);
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc{});
    EXPECT_EQ(answer(authorize(other, "totp", code)), Errc::kOtpInvalid);
}

TEST_F(TotpActivation, an_hsm_that_is_away_costs_no_try) {
    const std::string code = instance_.totp(totp_);
    instance_.software_keys.fail_with(Error{Errc::kUnavailable, "token gone"});
    for (int i = 0; i < 8; ++i) EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc::kUnavailable);
    instance_.software_keys.fail_with(std::nullopt);
    EXPECT_EQ(instance_.state(credential_).failures(), 0U);
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc{});
}

TEST_F(TotpActivation, a_request_without_the_factor_is_no_guess) {
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(answer(authorize(request(credential_))), Errc::kAuthenticationFailed);
    EXPECT_EQ(instance_.state(credential_).failures(), 0U);
}

TEST_F(TotpActivation, a_client_that_has_used_up_its_budget_locks_nobody_else) {
    std::map<Errc, int> answers;
    for (int n = 0; n < 26; ++n) {
        const SignerId signer = instance_.add_signer();
        const Held totp = instance_.enrol(signer, "totp");
        const CredentialId credential = instance_.add_credential(signer, "totp", {&totp});
        const std::string wrong = instance_.wrong_code(totp);
        for (int i = 0; i < 4; ++i) ++answers[answer(authorize(credential, "totp", wrong))];
    }
    EXPECT_EQ(answers[Errc::kOtpInvalid], 100);
    EXPECT_EQ(answers[Errc::kLimitExceeded], 4);
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc::kLimitExceeded);
    client_ = instance_.add_client();
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc{});
}

TEST_F(TotpActivation, a_credential_suspended_meanwhile_is_refused_and_the_code_spent) {
    // The clock check runs once before and once after the factors were evaluated: between the two, things
    // change.
    int calls = 0;
    Activator late(instance_.settings.activator,
                   Activator::Parts{*instance_.ledger, instance_.keys, *instance_.pins, *instance_.sads,
                                    *instance_.refusals, instance_.random, [&]() -> Status {
                                        if (++calls == 2)
                                            instance_.change_credential(
                                                credential_, [](record::Credential& c) {
                                                    c.set_status(record::STATUS_SUSPENDED);
                                                });
                                        return {};
                                    }});
    const std::string code = instance_.totp(totp_);
    AuthorizeRequest made = request(credential_);
    show(made, "totp", code);
    EXPECT_EQ(answer(run_to_end(late.authorize(made))), Errc::kDisabled);
    instance_.change_credential(credential_,
                                [](record::Credential& c) { c.set_status(record::STATUS_ACTIVE); });
    EXPECT_EQ(answer(authorize(credential_, "totp", code)), Errc::kOtpInvalid);
}

class HotpActivation : public ActivationTest {
 protected:
    Held hotp_ = instance_.enrol(signer_, "hotp");
    CredentialId credential_ = instance_.add_credential(signer_, "hotp", {&hotp_});
};

TEST_F(HotpActivation, counters_go_forward_only_and_ten_may_be_skipped) {
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 0))), Errc{});
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 0))), Errc::kOtpInvalid);
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 10))), Errc{});
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 5))), Errc::kOtpInvalid)
        << "skipped is spent";
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 21))), Errc::kOtpInvalid)
        << "too far ahead";
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 20))), Errc{});
}

TEST_F(HotpActivation, the_same_code_on_twenty_connections_at_once_is_accepted_once) {
    const auto answers =
        at_once(20, [&](int) { return authorize(credential_, "hotp", instance_.hotp(hotp_, 3)); });
    EXPECT_EQ(answers.at(Errc{}), 1);
}

// -------------------------------------------------------------------------------------------------

TEST_F(TotpActivation, a_credential_that_binds_another_signers_factor_is_corrupt_and_activates_nothing) {
    const SignerId other = instance_.add_signer();
    const Held theirs = instance_.enrol(other, "totp");
    const CredentialId mixed = instance_.add_credential(signer_, "totp", {&theirs});
    EXPECT_EQ(answer(authorize(mixed, "totp", instance_.totp(theirs))), Errc::kCorrupt);
    const CredentialId unbound = instance_.add_credential(signer_, "totp", {});
    EXPECT_EQ(answer(authorize(unbound, "totp", instance_.totp(totp_))), Errc::kCorrupt);
}

TEST_F(TotpActivation, metrics_count) {
    ASSERT_TRUE(authorize(credential_, "totp", instance_.totp(totp_)));
    ASSERT_FALSE(authorize(credential_, "totp", instance_.wrong_code(totp_)));
    const ActivationMetrics metrics = instance_.activator->metrics();
    EXPECT_EQ(metrics.granted, 1U);
    EXPECT_EQ(metrics.refused, 1U);
    EXPECT_EQ(metrics.extended, 0U);
}

}  // namespace
}  // namespace sigillo::activation::testing
