// The signing path by its promises: what is signed, what is refused, what a retry gets, what the log says.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "appliance/base/pool_executor.h"
#include "appliance/signing/reconcile.h"
#include "appliance/signing/uses.h"
#include "appliance/store/housekeeper.h"
#include "tests/signing/workshop.h"

namespace sigillo::signing::testing {
namespace {

Errc code_of(const Result<Signed>& result) {
    return result ? Errc{} : result.error().code;
}
Errc code_of(const Result<std::vector<Bytes>>& result) {
    return result ? Errc{} : result.error().code;
}

TEST(SigningPath, SignsEveryAuthorisedHashInOrderAndLogsIntentAndOutcome) {
    Workshop shop;
    const auto hashes = hashes_of(3);
    const auto signatures = shop.sign(shop.authorise(hashes), hashes);
    ASSERT_TRUE(signatures) << to_string(signatures.error());
    ASSERT_EQ(signatures->size(), 3u);
    for (std::size_t i = 0; i < hashes.size(); ++i)
        EXPECT_TRUE(shop.verifies(shop.credential, hashes[i], (*signatures)[i])) << i;
    EXPECT_EQ(shop.instance.count("signing.intent"), 1u);
    const auto outcomes = shop.instance.events("signing.outcome");
    ASSERT_EQ(outcomes.size(), 1u);
    EXPECT_EQ(outcomes[0]["result"], "signed");
    EXPECT_EQ(outcomes[0]["signatures"].size(), 3u);
    shop.expect_unbroken_chain(shop.credential);
}

TEST(SigningPath, SeveralCallsShareOneSadUntilItsHashesAreSpent) {
    Workshop shop;
    const auto hashes = hashes_of(3);
    const std::string sad = shop.authorise(hashes);
    EXPECT_TRUE(shop.sign(sad, {hashes[2]}));
    EXPECT_TRUE(shop.sign(sad, {hashes[0], hashes[1]}));
    EXPECT_EQ(code_of(shop.sign(sad, {hashes[1], hashes[2]})), Errc::kHashNotAuthorized);
    shop.expect_unbroken_chain(shop.credential);
}

TEST(SigningPath, activation_sad_for_hash_a_with_hash_b_is_refused_and_logged) {
    Workshop shop;
    const std::string sad = shop.authorise({hash_of("a")});
    EXPECT_EQ(code_of(shop.sign(sad, {hash_of("b")})), Errc::kHashNotAuthorized);
    EXPECT_EQ(shop.instance.count("signing.intent"), 0u);
    EXPECT_EQ(shop.instance.count("signing.refused"), 1u);
    EXPECT_TRUE(shop.sign(sad, {hash_of("a")})) << "the refusal spent nothing";
}

TEST(SigningPath, activation_sad_for_three_hashes_never_signs_a_fourth) {
    Workshop shop;
    auto hashes = hashes_of(3);
    const std::string sad = shop.authorise(hashes);
    auto four = hashes;
    four.push_back(hash_of("one more"));
    EXPECT_EQ(code_of(shop.sign(sad, four)), Errc::kHashNotAuthorized);
    EXPECT_TRUE(shop.sign(sad, hashes)) << "all of it or nothing: the three are still there";
}

TEST(SigningPath, activation_sad_of_another_credential_or_client_is_refused) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    const CredentialId other = shop.instance.add_credential(shop.instance.add_signer(), "click", {});
    const ClientId colleague = shop.instance.add_client();
    const std::string sad = shop.authorise(hashes);
    auto on_other_key = shop.request(sad, hashes);
    on_other_key.credential = other;
    EXPECT_EQ(code_of(run_to_end(shop.path->sign(on_other_key))), Errc::kSadInvalid);
    auto by_colleague = shop.request(sad, hashes);
    by_colleague.client = colleague;
    EXPECT_EQ(code_of(run_to_end(shop.path->sign(by_colleague))), Errc::kSadInvalid);
    EXPECT_TRUE(shop.sign(sad, hashes));
}

TEST(SigningPath, activation_sad_for_a_documents_digest_signs_no_hash) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    auto request = shop.instance.request(shop.client, shop.credential, hashes);
    request.hash_type = record::HASH_TYPE_SDR;
    activation::testing::show(request, "click", shop.instance.click(hashes));
    const auto granted = run_to_end(shop.instance.activator->authorize(request));
    ASSERT_TRUE(granted) << to_string(granted.error());
    EXPECT_EQ(code_of(shop.sign(std::string(as_text(granted->sad.expose())), hashes)),
              Errc::kHashNotAuthorized);
}

TEST(SigningPath, AnotherTenantsCredentialDoesNotExist) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    auto request = shop.request(shop.authorise(hashes), hashes);
    request.tenant = "competitor";
    EXPECT_EQ(code_of(run_to_end(shop.path->sign(request))), Errc::kNotFound);
    EXPECT_EQ(shop.instance.count("signing.refused"), 0u) << "not even a trace in the other tenant's log";
}

TEST(SigningPath, TheIdenticalCallIsARetryAndGetsTheSameSignaturesPastTheSadsExpiry) {
    Workshop shop;
    const auto hashes = hashes_of(2);
    const std::string sad = shop.authorise(hashes);
    const auto first = shop.sign(sad, hashes);
    ASSERT_TRUE(first);
    shop.instance.clock.advance(std::chrono::hours(23));
    const auto again = shop.sign(sad, hashes);
    ASSERT_TRUE(again) << to_string(again.error());
    EXPECT_EQ(*first, *again);
    EXPECT_EQ(shop.instance.count("signing.intent"), 1u);
    EXPECT_EQ(code_of(shop.sign(sad, {hashes[1], hashes[0]})), Errc::kSadExpired)
        << "another order is another call";
}

// As after a restore: the Intent was in flight when the store was copied, and stands in the log of epoch 1.
TEST(SigningPath, AnIntentThatAnEarlierEpochLeftOpenGetsItsOutcomeInThePresentLog) {
    Workshop shop;
    audit::Ledger& ledger = *shop.instance.ledger;
    const auto hashes = hashes_of(1);
    const std::string sad = shop.authorise(hashes);
    ASSERT_TRUE(shop.sign(sad, hashes));
    const auto intent = list_uses(ledger, "bank", shop.credential, std::nullopt, 10)->at(0).index;
    const Bytes key = key_of(shop.credential.str(), 1, intent);
    ASSERT_TRUE(ledger.update([&](audit::Recorder& recorder) -> Status {
        Bytes call_key;
        SIGILLO_TRY(recorder.transaction().scan(tables::kCalls.space, {}, {},
                                                [&](ByteView row, ByteView) -> Result<bool> {
                                                    call_key = to_bytes(row);
                                                    return false;
                                                }));
        record::OpenIntent open;
        open.set_sad_digest(call_key.data(), 32);
        open.set_request_digest(call_key.data() + 32, 32);
        SIGILLO_ASSIGN(const auto use, recorder.require(tables::kUses, key, "use"));
        *open.mutable_use() = use.value;
        SIGILLO_TRY(recorder.erase(tables::kUses, key));
        return recorder.create(tables::kOpenIntents, key, open);
    }));
    ledger.set_epoch(2);
    const auto settled = reconcile_open_intents(ledger, *shop.instance.sads, std::chrono::hours(24));
    ASSERT_TRUE(settled) << to_string(settled.error());
    EXPECT_EQ(*settled, 1u);
    const auto outcome = shop.instance.events("signing.outcome").back();
    EXPECT_EQ(outcome["result"], "unknown");
    EXPECT_EQ(outcome["intent"], intent);
    EXPECT_EQ(outcome["intent_epoch"], 1);
    const auto listed = *list_uses(ledger, "bank", shop.credential, std::nullopt, 10);
    ASSERT_EQ(listed.size(), 1u);
    EXPECT_EQ(listed[0].epoch, 1u);
    EXPECT_EQ(listed[0].index, intent);
    EXPECT_EQ(listed[0].outcome, "unknown");
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kOutcomeUnknown);
    EXPECT_EQ(*reconcile_open_intents(ledger, *shop.instance.sads, std::chrono::hours(24)), 0u);
}

TEST(SigningPath, IdenticalCallsAtOnceSignOnceAndAllGetTheSame) {
    SigningLimits limits;
    limits.turn_waiters = 20;
    Workshop shop({}, nullptr, limits);
    const auto hashes = hashes_of(2);
    const std::string sad = shop.authorise(hashes);
    std::vector<std::vector<Bytes>> answers(20);
    std::vector<std::thread> clients;
    clients.reserve(answers.size());
    for (auto& answer : answers)
        clients.emplace_back([&] {
            if (auto result = shop.sign(sad, hashes)) answer = *result;
        });
    for (std::thread& thread : clients) thread.join();
    for (const auto& answer : answers) EXPECT_EQ(answer, answers.front());
    EXPECT_EQ(answers.front().size(), 2u);
    EXPECT_EQ(shop.instance.count("signing.intent"), 1u);
}

TEST(SigningPath, ThreeRetriesWaitForACallAndTheOthersAreToldSoAtOnce) {
    InFlight turns(3, std::chrono::seconds(60));
    const Bytes key = to_bytes(std::string_view("call"));
    std::optional<InFlight::Turn> running(*turns.take_turn(key));
    std::atomic<int> had_their_turn{0};
    std::atomic<int> refused{0};
    std::vector<std::jthread> retries;
    retries.reserve(10);
    for (int i = 0; i < 10; ++i)
        retries.emplace_back([&] {
            const auto turn = turns.take_turn(key);
            if (turn) ++had_their_turn;
            if (!turn && turn.error().code == Errc::kUnavailable) ++refused;
        });
    while (refused < 7) std::this_thread::yield();  // while the call is still under way
    EXPECT_EQ(had_their_turn, 0);
    EXPECT_TRUE(turns.take_turn(to_bytes(std::string_view("another")))) << "other calls go on";
    running.reset();
    retries.clear();
    EXPECT_EQ(had_their_turn, 3);
    EXPECT_EQ(refused, 7);
    EXPECT_TRUE(turns.take_turn(key));
}

TEST(SigningPath, AUseInFlightIsListedAmongTheSettledOnes) {
    Workshop shop;
    const auto hashes = hashes_of(2);
    const std::string sad = shop.authorise(hashes);
    ASSERT_TRUE(shop.sign(sad, {hashes[0]}));
    const auto uses = [&](std::optional<UsePlace> after, std::size_t limit) {
        return *list_uses(*shop.instance.ledger, "bank", shop.credential, after, limit);
    };
    std::vector<SingleUse> meanwhile;
    std::vector<SingleUse> first;
    std::vector<SingleUse> rest;
    shop.watcher.at = [&](Step step) {
        if (step != Step::kIntentDurable) return;
        meanwhile = uses(std::nullopt, 10);
        first = uses(std::nullopt, 1);
        rest = uses(UsePlace{1, first.at(0).index}, 10);
    };
    ASSERT_TRUE(shop.sign(sad, {hashes[1]}));
    ASSERT_EQ(meanwhile.size(), 2u);
    EXPECT_EQ(meanwhile[0].outcome, "signed");
    EXPECT_EQ(meanwhile[1].outcome, "in_flight");
    EXPECT_EQ(meanwhile[1].hash, to_bytes(hashes[1].bytes()));
    EXPECT_EQ(first.size(), 1u);
    ASSERT_EQ(rest.size(), 1u);
    EXPECT_EQ(rest[0].index, meanwhile[1].index);
    EXPECT_EQ(uses(std::nullopt, 10).at(1).outcome, "signed");
}

TEST(SigningPath, UsesOfAllEpochsAreListedInOrderWhereverAPageEnds) {
    Workshop shop;
    audit::Ledger& ledger = *shop.instance.ledger;
    std::vector<Bytes> signed_hashes;
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
        ledger.set_epoch(epoch);
        for (int i = 0; i < 3; ++i) {
            const std::vector<Digest> hashes{hash_of(std::to_string(epoch) + "/" + std::to_string(i))};
            ASSERT_TRUE(shop.sign(shop.authorise(hashes), hashes));
            signed_hashes.push_back(to_bytes(hashes[0].bytes()));
        }
    }
    for (std::size_t limit = 1; limit <= 10; ++limit) {
        std::vector<Bytes> listed;
        std::optional<UsePlace> after;
        for (;;) {
            const auto page = *list_uses(ledger, "bank", shop.credential, after, limit);
            for (const SingleUse& use : page) {
                const UsePlace place{use.epoch, use.index};
                EXPECT_TRUE(!after || *after < place);
                after = place;
                listed.push_back(use.hash);
            }
            if (page.size() < limit) break;
        }
        EXPECT_EQ(listed, signed_hashes) << limit;
    }
}

TEST(SigningPath, AUseIsForgottenWhenItsRetentionEnds) {
    SigningLimits limits;
    limits.uses_retention = std::chrono::days(30);
    Workshop shop({}, nullptr, limits);
    const auto hashes = hashes_of(1);
    ASSERT_TRUE(shop.sign(shop.authorise(hashes), hashes));
    const auto uses = [&] {
        const auto found = list_uses(*shop.instance.ledger, "bank", shop.credential, std::nullopt, 10);
        return found ? found->size() : 99;
    };
    Housekeeper housekeeper(*shop.instance.store, {});
    ASSERT_TRUE(housekeeper.run_once(shop.instance.clock.now() + std::chrono::days(29)));
    EXPECT_EQ(uses(), 1u);
    ASSERT_TRUE(housekeeper.run_once(shop.instance.clock.now() + std::chrono::days(31)));
    EXPECT_EQ(uses(), 0u);
}

TEST(SigningPath, activation_an_expired_sad_is_refused) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    const std::string sad = shop.authorise(hashes);
    shop.instance.clock.advance(std::chrono::seconds(301));
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kSadExpired);
}

TEST(SigningPath, activation_a_sad_that_expires_during_the_hsm_call_still_yields_its_outcome) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    const std::string sad = shop.authorise(hashes);
    shop.watcher.at = [&](Step step) {
        if (step == Step::kIntentDurable) shop.instance.clock.advance(std::chrono::seconds(600));
    };
    EXPECT_TRUE(shop.sign(sad, hashes));
    EXPECT_EQ(shop.instance.events("signing.outcome").at(0)["result"], "signed");
}

TEST(SigningPath, activation_a_cached_key_is_unusable_at_once_after_suspension) {
    Workshop shop;
    const auto hashes = hashes_of(2);
    const std::string sad = shop.authorise(hashes);
    ASSERT_TRUE(shop.sign(sad, {hashes[0]}));
    ASSERT_EQ(shop.vault->cached(), 1u);
    shop.instance.change_credential(shop.credential,
                                    [](record::Credential& c) { c.set_status(record::STATUS_SUSPENDED); });
    EXPECT_EQ(code_of(shop.sign(sad, {hashes[1]})), Errc::kDisabled);
}

TEST(SigningPath, activation_a_grant_from_before_a_suspension_is_refused_by_the_vault) {
    Workshop shop;
    const auto hashes = hashes_of(2);
    const std::string sad = shop.authorise(hashes);
    ASSERT_TRUE(shop.sign(sad, {hashes[0]}));
    shop.watcher.at = [&](Step step) {
        if (step == Step::kIntentDurable) shop.vault->forget(shop.credential, 1'000);
    };
    EXPECT_EQ(code_of(shop.sign(sad, {hashes[1]})), Errc::kConflict);
    EXPECT_EQ(shop.instance.events("signing.outcome").back()["result"], "failed");
}

TEST(SigningPath, AnExpiredCertificateSignsNothing) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    const std::string sad = shop.authorise(hashes);
    shop.instance.change_credential(shop.credential, [&](record::Credential& c) {
        c.set_not_after_ms(unix_millis(shop.instance.clock.now()) - 1);
    });
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kExpired);
}

TEST(SigningPath, key_a_definite_refusal_by_the_hsm_gives_the_hashes_back) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    const std::string sad = shop.authorise(hashes);
    shop.instance.software_keys.fail_with(Error{Errc::kHsmRefused, "CKR_FUNCTION_REJECTED"});
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kHsmRefused);
    shop.instance.software_keys.fail_with(std::nullopt);
    EXPECT_EQ(shop.instance.events("signing.outcome").back()["result"], "failed");
    EXPECT_TRUE(shop.sign(sad, hashes)) << "the same SAD serves again";
    shop.expect_unbroken_chain(shop.credential);
}

TEST(SigningPath, key_an_hsm_failure_with_an_open_outcome_keeps_the_hashes_spent) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    const std::string sad = shop.authorise(hashes);
    shop.instance.software_keys.fail_with(Error{Errc::kHsmFailed, "CKR_DEVICE_ERROR"});
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kHsmFailed);
    shop.instance.software_keys.fail_with(std::nullopt);
    EXPECT_EQ(shop.instance.events("signing.outcome").back()["result"], "unknown");
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kOutcomeUnknown);
}

TEST(SigningPath, key_a_corrupted_signature_is_never_answered) {
    Workshop shop;
    const auto hashes = hashes_of(2);
    const std::string sad = shop.authorise(hashes);
    const auto record = shop.instance.credential(shop.credential);
    const auto key =
        shop.instance.software_keys.behind({record.wrap_scheme(), to_bytes(record.wrapped_key())});
    ASSERT_NE(key, nullptr);
    key->corrupt(true);
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kHsmFailed);
    key->corrupt(false);
    EXPECT_EQ(shop.instance.events("signing.outcome").back()["result"], "unknown");
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kOutcomeUnknown) << "nor kept for the retry";
}

TEST(SigningPath, key_wrapped_keys_swapped_between_two_signers_are_refused_before_signing) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    const CredentialId other = shop.instance.add_credential(shop.instance.add_signer(), "click", {});
    const std::string foreign = shop.instance.credential(other).wrapped_key();
    const std::string sad = shop.authorise(hashes);
    shop.instance.change_credential(shop.credential,
                                    [&](record::Credential& c) { c.set_wrapped_key(foreign); });
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kCorrupt);
    EXPECT_EQ(shop.instance.events("signing.outcome").back()["result"], "failed");
}

TEST(SigningPath, KeysAreCachedUpToTheLimitAndForgottenWhenIdle) {
    KeyVaultConfig config;
    config.cache_limit = 2;
    Workshop shop({}, nullptr, {}, config);
    for (int i = 0; i < 4; ++i) {
        const CredentialId credential = shop.instance.add_credential(shop.signer, "click", {});
        const auto hashes = hashes_of(1);
        auto request = shop.request(shop.authorise(shop.client, credential, hashes), hashes);
        request.credential = credential;
        ASSERT_TRUE(run_to_end(shop.path->sign(request)));
    }
    EXPECT_EQ(shop.vault->cached(), 2u);
    shop.instance.clock.advance(std::chrono::hours(2));
    shop.vault->forget_idle();
    EXPECT_EQ(shop.vault->cached(), 0u);
}

TEST(SigningPath, ALostTokenSessionMeansThatKeysAreUnwrappedAnew) {
    Workshop shop;
    const auto hashes = hashes_of(2);
    const std::string sad = shop.authorise(hashes);
    ASSERT_TRUE(shop.sign(sad, {hashes[0]}));
    const auto before = shop.instance.software_keys.unwraps();
    shop.instance.software_keys.lose_sessions();
    ASSERT_TRUE(shop.sign(sad, {hashes[1]}));
    EXPECT_EQ(shop.instance.software_keys.unwraps(), before + 1);
}

TEST(SigningPath, AKeySealedByAPinSignsWithItsSadAndIsNeverCached) {
    Workshop shop;
    const Held pin = shop.instance.enrol(shop.signer, "pin", "735192");
    const CredentialId sealed = shop.instance.add_credential(shop.signer, "pin", {&pin});
    const auto hashes = hashes_of(2);
    auto authorize = shop.instance.request(shop.client, sealed, hashes);
    activation::testing::show(authorize, "pin", "735192");
    const auto granted = run_to_end(shop.instance.activator->authorize(authorize));
    ASSERT_TRUE(granted) << to_string(granted.error());
    const std::string sad(as_text(granted->sad.expose()));
    for (const Digest& hash : hashes) {
        auto request = shop.request(sad, {hash});
        request.credential = sealed;
        const auto signatures = run_to_end(shop.path->sign(request));
        ASSERT_TRUE(signatures) << to_string(signatures.error());
        EXPECT_TRUE(shop.verifies(sealed, hash, signatures->signatures.front()));
    }
    EXPECT_EQ(shop.vault->cached(), 0u);
}

TEST(SigningPath, RequestsThatDoNotFitTheKeyOrTheLimitsAreRefusedAndSpendNothing) {
    SigningLimits limits;
    limits.hashes_per_call = 2;
    Workshop shop({}, nullptr, limits);
    const auto hashes = hashes_of(3);
    const std::string sad = shop.authorise(hashes);
    auto pss = shop.request(sad, {hashes[0]});
    pss.scheme.padding = SignaturePadding::kPss;
    EXPECT_EQ(code_of(run_to_end(shop.path->sign(pss))), Errc::kInvalidArgument);
    EXPECT_EQ(code_of(shop.sign(sad, {})), Errc::kMissingArgument);
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kLimitExceeded);
    EXPECT_EQ(code_of(shop.sign(sad, {hashes[0], hashes[0]})), Errc::kHashNotAuthorized);
    auto sha384 = shop.request(sad, {hashes[0]});
    sha384.scheme.hash = HashAlgorithm::kSha384;
    EXPECT_EQ(code_of(run_to_end(shop.path->sign(sha384))), Errc::kInvalidArgument);
    EXPECT_TRUE(shop.sign(sad, {hashes[0], hashes[1]}));
}

TEST(SigningPath, ARemovedClientsSadIsVoid) {
    Workshop shop;
    const auto hashes = hashes_of(1);
    const std::string sad = shop.authorise(hashes);
    ASSERT_TRUE(shop.instance.ledger->update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto record,
                       recorder.require(tables::kClients, key_of(shop.client.str()), "clientID"));
        record.value.set_removed(true);
        SIGILLO_TRY(recorder.save(tables::kClients, key_of(shop.client.str()), record));
        SIGILLO_TRY(recorder.log(recorder.event("client.removed")));
        return {};
    }));
    EXPECT_EQ(code_of(shop.sign(sad, hashes)), Errc::kForbidden);
}

// Eighty documents by eight clients at once.
int sign_eighty(Workshop& shop) {
    std::vector<std::thread> clients;
    clients.reserve(8);
    std::atomic<int> signatures{0};
    for (int t = 0; t < 8; ++t)
        clients.emplace_back([&, t] {
            for (int i = 0; i < 10; ++i) {
                const std::vector<Digest> hashes{hash_of(std::to_string(t) + "/" + std::to_string(i))};
                if (shop.sign(shop.authorise(hashes), hashes)) ++signatures;
            }
        });
    for (std::thread& thread : clients) thread.join();
    return signatures;
}

TEST(SigningPath, ManyClientsOnOneCredentialKeepTheChainUnbroken) {
    Workshop shop;
    EXPECT_EQ(sign_eighty(shop), 80);
    shop.expect_unbroken_chain(shop.credential);
}

TEST(SigningPath, WhatWaitsForTheStoreGoesOnOnTheExecutorsThreads) {
    Workshop shop;
    PoolExecutor executor(3, 2);
    shop.instance.ledger->set_executor(&executor);
    const std::thread::id here = std::this_thread::get_id();
    std::atomic<int> elsewhere{0};
    shop.watcher.at = [&](Step step) {
        if (step == Step::kIntentDurable && std::this_thread::get_id() != here) ++elsewhere;
    };
    const std::vector<Digest> hashes{hash_of("by this thread")};
    ASSERT_TRUE(shop.sign(shop.authorise(hashes), hashes));
    EXPECT_EQ(elsewhere, 1);
    EXPECT_EQ(sign_eighty(shop), 80);
    // A refusal is told the same way, and costs nothing.
    const std::string sad = shop.authorise(hashes);
    EXPECT_EQ(code_of(shop.sign(sad, {hash_of("another")})), Errc::kHashNotAuthorized);
    EXPECT_TRUE(shop.sign(sad, hashes));
    shop.expect_unbroken_chain(shop.credential);
    shop.instance.ledger->set_executor(nullptr);
}

}  // namespace
}  // namespace sigillo::signing::testing
