// Changing a PIN is trying the old one: counted, locked and logged as an activation is.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/activation/activation_fixture.h"

namespace sigillo::activation::testing {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOld = "142536";
constexpr const char* kNew = "271828";

class PinChange : public ActivationTest {
 protected:
    Held pin_ = instance_.enrol(signer_, "pin", kOld);
    CredentialId credential_ = instance_.add_credential(signer_, "pin", {&pin_});

    ChangePinRequest wish(const std::string& from, const std::string& to) {
        return {client_, "bank", signer_, pin_.id, SecretBytes::copy_of(from), SecretBytes::copy_of(to)};
    }
    Errc change(const std::string& from, const std::string& to) { return code_of(wish(from, to)); }
    Errc code_of(const ChangePinRequest& request) {
        const Status changed = instance_.activator->change_pin(request);
        return changed ? Errc{} : changed.error().code;
    }
    Errc activate(const std::string& pin) { return answer(authorize(credential_, "pin", pin)); }
};

TEST_F(PinChange, the_new_pin_opens_what_the_old_one_sealed_and_the_old_one_nothing) {
    const auto before = authorize(credential_, "pin", kOld);
    ASSERT_TRUE(before);
    EXPECT_EQ(change(kOld, kNew), Errc{});
    EXPECT_EQ(activate(kOld), Errc::kAuthenticationFailed);
    const auto granted = authorize(credential_, "pin", kNew);
    ASSERT_TRUE(granted) << to_string(granted.error());
    const auto spent = sign(*granted, credential_, hashes_);
    ASSERT_TRUE(spent);
    const auto opening_key = open_opening_key(granted->sad, spent->sealed_opening_key, credential_);
    ASSERT_TRUE(opening_key);
    EXPECT_TRUE(
        open_with(*opening_key, as_bytes(instance_.credential(credential_).wrapped_key()), credential_));
    EXPECT_TRUE(sign(*before, credential_, hashes_)) << "a SAD of before stays what it was";
    const auto events = instance_.events("factor.pin_changed");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["factor"], pin_.id.str());
    EXPECT_EQ(events[0]["client"], client_.str());
    instance_.restart();
    EXPECT_EQ(activate(kNew), Errc{});
}

TEST_F(PinChange, wrong_old_pins_lock_the_factor_for_all_its_credentials_after_exactly_five) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(change("999888", kNew), Errc::kAuthenticationFailed);
    EXPECT_EQ(change(kOld, kNew), Errc::kLocked);
    EXPECT_EQ(activate(kOld), Errc::kLocked);
    EXPECT_EQ(instance_.count("factor.attempt"), 5U);
    EXPECT_EQ(instance_.events("factor.attempt").back()["locks"], true);
    EXPECT_EQ(instance_.events("factor.refused").back()["failures"], 5);
    instance_.clock.advance(60s);
    EXPECT_EQ(change(kOld, kNew), Errc{});
    EXPECT_EQ(activate(kNew), Errc{}) << "the count starts anew";
}

TEST_F(PinChange, guesses_here_and_guesses_by_activation_are_one_count) {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(change("999888", kNew), Errc::kAuthenticationFailed);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(activate("999888"), Errc::kAuthenticationFailed);
    EXPECT_EQ(change(kOld, kNew), Errc::kLocked);
    EXPECT_EQ(activate(kOld), Errc::kLocked);
    ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) {
        return instance_.activator->lockout().unlock(recorder, credential_, "officer:ada", "asked");
    }));
    EXPECT_EQ(change(kOld, kNew), Errc{});
}

TEST_F(PinChange, of_twenty_wrong_ones_at_once_five_are_tried) {
    const auto answers = at_once(20, [&](int i) -> Result<Authorization> {
        SIGILLO_TRY(instance_.activator->change_pin(wish(std::to_string(900'000 + i), kNew)));
        return Authorization{};
    });
    EXPECT_EQ(answers.at(Errc::kAuthenticationFailed), 5);
    EXPECT_EQ(answers.at(Errc::kLocked), 15);
}

TEST_F(PinChange, a_client_s_budget_counts_these_failures_too) {
    int budget = 0;
    for (; budget < 200; ++budget) {
        const Held another = instance_.enrol(instance_.add_signer(), "pin", kOld);
        ChangePinRequest request = wish("999888", kNew);
        request.factor = another.id;
        const auto record = instance_.ledger->view([&](ReadTransaction& txn) {
            return require(txn, instance_.codec, tables::kFactors, key_of(another.id.str()), "factorID");
        });
        request.signer = *SignerId::parse(record->value.signer_id());
        const Errc code = code_of(request);
        if (code == Errc::kLimitExceeded) break;
        ASSERT_EQ(code, Errc::kAuthenticationFailed);
    }
    EXPECT_EQ(budget, 100);
    EXPECT_EQ(change(kOld, kNew), Errc::kLimitExceeded);
}

TEST_F(PinChange, what_is_no_guess_costs_no_try) {
    for (const auto* weak : {"", "12345", "111111", "123456", kOld})
        EXPECT_EQ(change(kOld, weak), Errc::kInvalidArgument);
    ChangePinRequest elsewhere = wish("999888", kNew);
    elsewhere.signer = instance_.add_signer();
    EXPECT_EQ(code_of(elsewhere), Errc::kNotFound);
    ChangePinRequest stranger = wish("999888", kNew);
    stranger.tenant = "shop";
    stranger.client = instance_.add_client("shop");
    EXPECT_EQ(code_of(stranger), Errc::kNotFound);
    const Held totp = instance_.enrol(signer_, "totp");
    ChangePinRequest no_pin = wish("999888", kNew);
    no_pin.factor = totp.id;
    EXPECT_EQ(code_of(no_pin), Errc::kConflict);
    instance_.clock_status = fail(Errc::kClockUntrusted, "jumped");
    EXPECT_EQ(change("999888", kNew), Errc::kClockUntrusted);
    instance_.clock_status = {};
    EXPECT_EQ(instance_.count("factor.attempt"), 0U);
    EXPECT_EQ(activate(kOld), Errc{});
    ASSERT_TRUE(instance_.enrolment->remove(client_, "bank", signer_, pin_.id));
    EXPECT_EQ(change(kOld, kNew), Errc::kNotFound);
}

TEST_F(PinChange, a_try_that_the_hsm_could_not_verify_is_given_back) {
    instance_.software_keys.fail_with(Error{Errc::kHsmFailed, "away", {}});
    EXPECT_EQ(change(kOld, kNew), Errc::kHsmFailed);
    instance_.software_keys.fail_with(std::nullopt);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(change("999888", kNew), Errc::kAuthenticationFailed);
    EXPECT_EQ(change(kOld, kNew), Errc{}) << "the fifth try, not the sixth";
}

TEST_F(PinChange, an_error_before_the_try_costs_nothing_and_one_inside_changes_nothing) {
    const Status before = instance_.activator->change_pin(
        wish("999888", kNew),
        {.before = [] { return Status(fail(Errc::kAlreadyExists, "answered")); }, .inside = {}});
    EXPECT_EQ(before.error().code, Errc::kAlreadyExists);
    EXPECT_EQ(instance_.count("factor.attempt"), 0U);
    const Status inside = instance_.activator->change_pin(
        wish(kOld, kNew),
        {.before = {}, .inside = [](audit::Recorder&) { return Status(fail(Errc::kStorageFull, "full")); }});
    EXPECT_EQ(inside.error().code, Errc::kStorageFull);
    EXPECT_EQ(instance_.count("factor.pin_changed"), 0U);
    EXPECT_EQ(activate(kOld), Errc{});
}

}  // namespace
}  // namespace sigillo::activation::testing
