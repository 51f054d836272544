#include "appliance/activation/lockout.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/activation/instance.h"

namespace sigillo::activation::testing {
namespace {

using namespace std::chrono_literals;

class LockoutTest : public ::testing::Test {
 protected:
    Result<Reservation> reserve(const CredentialId& credential, const ClientId& client,
                                std::vector<FactorId> shown = {}) {
        return instance_.update([&](audit::Recorder& recorder) -> Result<Reservation> {
            SIGILLO_ASSIGN(const Reservation made, lockout_.reserve(recorder, {credential, client, shown}));
            SIGILLO_TRY(recorder.log(recorder.event("test.reserved")));
            return made;
        });
    }
    Result<Reservation> reserve() { return reserve(credential_, client_); }
    void settle(const Reservation& reservation, bool right) {
        ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) -> Status {
            SIGILLO_TRY(right ? lockout_.succeed(recorder, {credential_, client_, {}}, reservation, {})
                              : lockout_.release(recorder, {credential_, client_, {}}, reservation));
            SIGILLO_TRY(recorder.log(recorder.event("test.settled")));
            return {};
        }));
    }
    // Wrong tries until the credential locks.
    int tries_until_lock() {
        int tries = 0;
        while (tries < 100) {
            const auto made = reserve();
            if (!made) {
                EXPECT_EQ(made.error().code, Errc::kLocked);
                return tries;
            }
            ++tries;
        }
        return tries;
    }
    std::int64_t budget_used() {
        const auto budget = instance_.ledger->view([&](ReadTransaction& txn) {
            return require(txn, instance_.codec, tables::kClientBudgets, key_of(client_.str()), "clientID");
        });
        return budget ? std::int64_t{budget->value.failures()} : -1;
    }

    Instance instance_;
    LockoutConfig config_;
    Lockout lockout_{config_, instance_.clock};
    SignerId signer_ = instance_.add_signer();
    CredentialId credential_ = instance_.add_credential(signer_, "click", {});
    ClientId client_ = instance_.add_client();
};

TEST_F(LockoutTest, five_wrong_tries_lock_for_a_minute_then_for_two_then_for_four) {
    for (const auto lock : {60s, 120s, 240s}) {
        EXPECT_EQ(tries_until_lock(), 5);
        instance_.clock.advance(lock - 1s);
        const auto refused = reserve();
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().detail.find("another 1 s"), std::string::npos) << refused.error().detail;
        instance_.clock.advance(1s);
    }
    EXPECT_TRUE(reserve());
}

TEST_F(LockoutTest, fifty_wrong_tries_lock_until_an_officer_unlocks) {
    for (int round = 0; round < 10; ++round) {
        EXPECT_EQ(tries_until_lock(), 5) << round;
        instance_.clock.advance(48h);
    }
    const auto refused = reserve();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kLocked);
    EXPECT_NE(refused.error().detail.find("officer"), std::string::npos);

    ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) {
        return lockout_.unlock(recorder, credential_, "uid:1000", "the signer called and proved who she is");
    }));
    const auto events = instance_.events("credential.unlocked");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["officer"], "uid:1000");
    EXPECT_EQ(events[0]["failures"], 50);
    EXPECT_EQ(tries_until_lock(), 5) << "and the count starts anew";
}

TEST_F(LockoutTest, unlocking_what_does_not_exist_is_refused) {
    const auto refused = instance_.update([&](audit::Recorder& recorder) {
        return lockout_.unlock(recorder, CredentialId::generate(instance_.random), "uid:1000", "");
    });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kNotFound);
}

TEST_F(LockoutTest, an_officer_unlocks_a_factor_that_no_credential_binds) {
    const Held pin = instance_.enrol(signer_, "pin", "142536");
    const Lockout::FactorAttempt attempt{pin.id, client_};
    const auto tries = [&] {
        for (int count = 0; count < 100; ++count) {
            const auto made = instance_.update([&](audit::Recorder& recorder) -> Status {
                SIGILLO_TRY(lockout_.reserve(recorder, attempt));
                SIGILLO_TRY(recorder.log(recorder.event("test.reserved")));
                return {};
            });
            if (made) continue;
            EXPECT_EQ(made.error().code, Errc::kLocked) << to_string(made.error());
            return count;
        }
        return 100;
    };
    EXPECT_EQ(tries(), 5);
    EXPECT_EQ(tries(), 0);
    ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) {
        return lockout_.unlock(recorder, pin.id, "uid:1000", "asked in person");
    }));
    const auto events = instance_.events("factor.unlocked");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(tries(), 5);
    const auto refused = instance_.update([&](audit::Recorder& recorder) {
        return lockout_.unlock(recorder, FactorId::generate(instance_.random), "uid:1000", "");
    });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kNotFound);
}

TEST_F(LockoutTest, a_right_try_starts_the_count_anew) {
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(reserve());
    const auto fifth = reserve();
    ASSERT_TRUE(fifth);
    EXPECT_TRUE(fifth->locked) << "locked while it is being verified";
    settle(*fifth, true);
    EXPECT_EQ(instance_.state(credential_).failures(), 0U);
    EXPECT_EQ(tries_until_lock(), 5);
}

TEST_F(LockoutTest, a_released_try_never_was) {
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(reserve());
    for (int i = 0; i < 3; ++i) {
        const auto fifth = reserve();
        ASSERT_TRUE(fifth);
        settle(*fifth, false);
    }
    EXPECT_EQ(instance_.state(credential_).failures(), 4U);
    EXPECT_EQ(budget_used(), 4);
    EXPECT_EQ(tries_until_lock(), 1);
}

TEST_F(LockoutTest, activation_tries_at_once_are_exactly_as_many_as_configured) {
    std::atomic<int> reserved{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 20; ++i)
            threads.emplace_back([&] {
                if (reserve()) ++reserved;
            });
    }
    EXPECT_EQ(reserved, 5);
}

TEST_F(LockoutTest, activation_a_factor_on_many_credentials_has_one_count_exact_at_once) {
    const Held pin = instance_.enrol(signer_, "pin", "142536");
    std::vector<CredentialId> credentials;
    for (int i = 0; i < 20; ++i) credentials.push_back(instance_.add_credential(signer_, "pin", {&pin}));
    std::atomic<int> reserved{0};
    {
        std::vector<std::jthread> threads;
        for (const CredentialId& credential : credentials)
            threads.emplace_back([&] {
                if (reserve(credential, client_, {pin.id})) ++reserved;
            });
    }
    EXPECT_EQ(reserved, 5);
    for (const CredentialId& credential : credentials) {
        const auto locked =
            lockout_.is_locked(*instance_.ledger, credential, instance_.credential(credential));
        ASSERT_TRUE(locked);
        EXPECT_TRUE(*locked);
    }
    const auto none = lockout_.is_locked(*instance_.ledger, credential_, instance_.credential(credential_));
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none) << "it binds no PIN";
    instance_.clock.advance(60s);
    EXPECT_TRUE(reserve(credentials.front(), client_, {pin.id}));
}

TEST_F(LockoutTest, unlocking_a_credential_clears_the_counts_of_its_factors) {
    const Held pin = instance_.enrol(signer_, "pin", "142536");
    const CredentialId guessed = instance_.add_credential(signer_, "pin", {&pin});
    const CredentialId real = instance_.add_credential(signer_, "pin", {&pin});
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(reserve(guessed, client_, {pin.id}));
    EXPECT_FALSE(reserve(real, client_, {pin.id}));
    ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) {
        return lockout_.unlock(recorder, real, "uid:1000", "she knows her PIN");
    }));
    const auto event = instance_.events("credential.unlocked").back();
    EXPECT_EQ(event["factors"], nlohmann::json::array({pin.id.str()}));
    EXPECT_TRUE(reserve(real, client_, {pin.id}));
    EXPECT_FALSE(reserve(guessed, client_, {pin.id})) << "its own count stands";
}

TEST_F(LockoutTest, a_try_taken_back_is_taken_back_at_the_factor_too) {
    const Held pin = instance_.enrol(signer_, "pin", "142536");
    const CredentialId one = instance_.add_credential(signer_, "pin", {&pin});
    const CredentialId two = instance_.add_credential(signer_, "pin", {&pin});
    const std::vector<FactorId> shown{pin.id};
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(reserve(one, client_, shown));
    for (int i = 0; i < 3; ++i) {
        const auto fifth = reserve(two, client_, shown);
        ASSERT_TRUE(fifth);
        ASSERT_EQ(fifth->factors.size(), 1U);
        EXPECT_TRUE(fifth->factors[0].locked);
        EXPECT_FALSE(fifth->locked) << "the credential's first";
        ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) -> Status {
            SIGILLO_TRY(lockout_.release(recorder, {two, client_, shown}, *fifth));
            SIGILLO_TRY(recorder.log(recorder.event("test.settled")));
            return {};
        }));
    }
    EXPECT_TRUE(reserve(two, client_, shown));
    EXPECT_FALSE(reserve(one, client_, shown));
}

TEST_F(LockoutTest, a_crash_between_try_and_verdict_leaves_the_failure_counted) {
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(reserve());
    instance_.restart();
    EXPECT_EQ(instance_.state(credential_).failures(), 4U);
    EXPECT_EQ(tries_until_lock(), 1);
    instance_.restart();
    EXPECT_EQ(tries_until_lock(), 0) << "locks survive restarts";
}

TEST_F(LockoutTest, the_wall_clock_moves_no_lock) {
    EXPECT_EQ(tries_until_lock(), 5);
    instance_.clock.set_wall(instance_.clock.now() + 24h);
    EXPECT_FALSE(reserve());
    instance_.clock.set_wall(instance_.clock.now() - 48h);
    EXPECT_FALSE(reserve());
    instance_.clock.advance(60s);
    EXPECT_TRUE(reserve());
}

TEST_F(LockoutTest, a_client_has_a_budget_over_all_credentials) {
    const ClientId other = instance_.add_client();
    int failures = 0;
    for (int i = 0; i < 25; ++i) {
        const CredentialId credential = instance_.add_credential(signer_, "click", {});
        for (int n = 0; n < 4; ++n, ++failures) ASSERT_TRUE(reserve(credential, client_)) << failures;
    }
    EXPECT_EQ(failures, 100);
    const auto refused = reserve();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kLimitExceeded);
    EXPECT_EQ(refused.error().field, "failures");
    EXPECT_EQ(instance_.state(credential_).failures(), 0U) << "a refused client counts against no credential";
    EXPECT_TRUE(reserve(credential_, other)) << "other clients go on";
    instance_.clock.advance(1h);
    EXPECT_TRUE(reserve()) << "a new window";
}

TEST_F(LockoutTest, right_tries_cost_no_budget) {
    for (int i = 0; i < 300; ++i) {
        const auto made = reserve();
        ASSERT_TRUE(made) << i;
        settle(*made, true);
    }
    EXPECT_EQ(budget_used(), 0);
}

TEST_F(LockoutTest, a_clock_set_back_gives_no_fresh_budget) {
    ASSERT_TRUE(reserve());
    instance_.clock.set_wall(instance_.clock.now() - 24h);
    ASSERT_TRUE(reserve());
    EXPECT_EQ(budget_used(), 2);
}

TEST(AttemptGate, lets_one_in_at_a_time_and_the_others_after_it) {
    SystemRandom random;
    const CredentialId credential = CredentialId::generate(random);
    AttemptGate gate(32, 10s);
    std::atomic<int> inside{0};
    std::atomic<int> passed{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 20; ++i)
            threads.emplace_back([&] {
                const auto pass = gate.enter(credential);
                ASSERT_TRUE(pass);
                EXPECT_EQ(++inside, 1);
                std::this_thread::sleep_for(1ms);
                --inside;
                ++passed;
            });
    }
    EXPECT_EQ(passed, 20);
}

TEST(AttemptGate, is_bounded_in_number_and_in_time_and_knows_credentials_apart) {
    SystemRandom random;
    const CredentialId one = CredentialId::generate(random);
    const CredentialId two = CredentialId::generate(random);
    AttemptGate full(0, 10s);
    auto first = full.enter(one);
    ASSERT_TRUE(first);
    EXPECT_TRUE(full.enter(two));
    const auto second = full.enter(one);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kUnavailable);
    *first = AttemptGate::Pass();
    EXPECT_TRUE(full.enter(one));

    AttemptGate impatient(8, 20ms);
    const auto holder = impatient.enter(one);
    ASSERT_TRUE(holder);
    const auto waited = impatient.enter(one);
    ASSERT_FALSE(waited);
    EXPECT_EQ(waited.error().code, Errc::kUnavailable);
}

TEST(AttemptGate, credentials_that_share_a_factor_take_turns_and_never_wait_for_each_other) {
    SystemRandom random;
    const std::vector<FactorId> factors{FactorId::generate(random), FactorId::generate(random)};
    const std::vector<FactorId> reversed{factors[1], factors[0]};
    AttemptGate gate(32, 10s);
    std::atomic<int> inside{0};
    std::atomic<int> passed{0};
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 20; ++i)
            threads.emplace_back([&, i] {
                const auto pass = gate.enter(CredentialId::generate(random), i % 2 == 0 ? factors : reversed);
                ASSERT_TRUE(pass);
                EXPECT_EQ(++inside, 1);
                std::this_thread::sleep_for(1ms);
                --inside;
                ++passed;
            });
    }
    EXPECT_EQ(passed, 20);

    AttemptGate impatient(8, 20ms);
    const CredentialId other = CredentialId::generate(random);
    {
        const auto holder = impatient.enter(CredentialId::generate(random), factors);
        ASSERT_TRUE(holder);
        EXPECT_FALSE(impatient.enter(other, factors));
        EXPECT_TRUE(impatient.enter(other)) << "who was refused holds nothing";
    }
    EXPECT_TRUE(impatient.enter(other, factors));
}

TEST(RefusalLogTest, logs_the_first_of_a_minute_and_tells_how_many_more_there_were) {
    Settings settings;
    settings.refusals = {.per_credential = 3, .per_client = 5, .remembered = 64};
    Instance instance(settings);
    const ClientId client = instance.add_client();
    const CredentialId one = CredentialId::generate(instance.random);
    const CredentialId two = CredentialId::generate(instance.random);
    for (int i = 0; i < 10; ++i) instance.refusals->record("activation.refused", one, client, Errc::kLocked);
    EXPECT_EQ(instance.count("activation.refused"), 3U);
    EXPECT_EQ(instance.refusals->unlogged(), 7U);
    EXPECT_EQ(instance.refusals->total(), 10U);
    for (int i = 0; i < 10; ++i)
        instance.refusals->record("activation.refused", two, client, Errc::kDisabled);
    EXPECT_LE(instance.count("activation.refused"), 5U) << "the client's own bound";

    instance.clock.advance(60s);
    instance.refusals->record("signing.refused", one, client, Errc::kHashNotAuthorized);
    const auto last = instance.events().back();
    EXPECT_EQ(last["type"], "signing.refused");
    EXPECT_EQ(last["reason"], "hash_not_authorized");
    EXPECT_EQ(last["credential"], one.str());
    const auto events = instance.events();
    std::uint64_t told = 0;
    for (const auto& event : events) told += event.value("unlogged", std::uint64_t{0});
    std::uint64_t logged = instance.count("activation.refused") + instance.count("signing.refused");
    EXPECT_EQ(told + logged, instance.refusals->total()) << "every refusal is logged or told of";
}

TEST(RefusalLogTest, remembers_a_bounded_number_of_names) {
    Settings settings;
    settings.refusals = {.per_credential = 3, .per_client = 1'000, .remembered = 8};
    Instance instance(settings);
    const ClientId client = instance.add_client();
    for (int i = 0; i < 50; ++i)
        instance.refusals->record("activation.refused", CredentialId::generate(instance.random), client,
                                  Errc::kLocked);
    EXPECT_LE(instance.count("activation.refused"), 8U);
    instance.clock.advance(60s);
    const auto before = instance.count("activation.refused");
    instance.refusals->record("activation.refused", CredentialId::generate(instance.random), client,
                              Errc::kLocked);
    EXPECT_EQ(instance.count("activation.refused"), before + 1) << "old minutes make room";
}

}  // namespace
}  // namespace sigillo::activation::testing
