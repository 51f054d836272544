// authorize and extendTransaction as a whole: CHECKS.md 13 to 19 and 21 at this level.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "appliance/activation/activator.h"
#include "appliance/base/encoding.h"
#include "tests/activation/instance.h"

namespace sigillo::activation::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPin = "142536";

class ActivationTest : public ::testing::Test {
   protected:
    explicit ActivationTest(Settings settings = {}) : instance_(std::move(settings)) {}

    AuthorizeRequest request(const CredentialId& credential) { return instance_.request(client_, credential, hashes_); }
    Result<Authorization> authorize(AuthorizeRequest request) { return instance_.activator->authorize(request); }
    // One factor shown.
    Result<Authorization> authorize(const CredentialId& credential, const std::string& word, const std::string& value) {
        AuthorizeRequest made = request(credential);
        show(made, word, value);
        return authorize(std::move(made));
    }
    Errc answer(const Result<Authorization>& result) { return result ? Errc{} : result.error().code; }

    Result<SpentSad> sign(const Authorization& granted, const CredentialId& credential, std::span<const Digest> hashes) {
        return instance_.update([&](audit::Recorder& recorder) {
            return instance_.sads->check_and_spend(
                recorder, {granted.sad, client_, credential, record::HASH_TYPE_DTBSR, HashAlgorithm::kSha256, hashes});
        });
    }
    // `threads` calls at once, and how often each answer was given.
    std::map<Errc, int> at_once(int threads, const std::function<Result<Authorization>(int)>& call) {
        std::map<Errc, int> answers;
        std::mutex mutex;
        {
            std::vector<std::jthread> running;
            for (int i = 0; i < threads; ++i)
                running.emplace_back([&, i] {
                    const Errc code = answer(call(i));
                    const std::lock_guard lock(mutex);
                    ++answers[code];
                });
        }
        return answers;
    }

    Instance instance_;
    ClientId client_ = instance_.add_client();
    SignerId signer_ = instance_.add_signer();
    std::vector<Digest> hashes_ = hashes_of(2);
};

// ---- click --------------------------------------------------------------------------------------------------

class ClickActivation : public ActivationTest {
   protected:
    CredentialId credential_ = instance_.add_credential(signer_, "click", {});
};

TEST_F(ClickActivation, evidence_for_these_hashes_yields_a_sad_for_them) {
    AuthorizeRequest made = request(credential_);
    made.description = "Contratto n. 7";
    made.client_data = "ref 12";
    show(made, "click", instance_.click(hashes_));
    const auto granted = authorize(std::move(made));
    ASSERT_TRUE(granted) << to_string(granted.error());
    EXPECT_EQ(granted->expires_in, 300s);
    EXPECT_TRUE(sign(*granted, credential_, hashes_));

    const auto events = instance_.events("activation.granted");
    ASSERT_EQ(events.size(), 1U);
    const auto& event = events[0];
    EXPECT_EQ(event["credential"], credential_.str());
    EXPECT_EQ(event["signer"], signer_.str());
    EXPECT_EQ(event["client"], client_.str());
    EXPECT_EQ(event["tenant"], "bank");
    EXPECT_EQ(event["factors"], nlohmann::json::array({"click"}));
    EXPECT_EQ(event["hash_type"], "dtbsr");
    EXPECT_EQ(event["hash_algorithm"], "2.16.840.1.101.3.4.2.1");
    EXPECT_EQ(event["hashes"], nlohmann::json::array({base64_encode(hashes_[0].bytes()), base64_encode(hashes_[1].bytes())}));
    EXPECT_EQ(event["sad_sha256"], base64_encode(sad_digest(granted->sad)));
}

TEST_F(ClickActivation, evidence_is_kept_beside_the_log_and_only_its_digest_in_it) {
    AuthorizeRequest made = request(credential_);
    made.description = "Mario Rossi buys a house";
    const std::string click = instance_.click(hashes_);
    show(made, "click", click);
    ASSERT_TRUE(authorize(std::move(made)));
    const auto events = instance_.events();
    const std::uint64_t index = events.size() - 1;
    ASSERT_EQ(events.back()["type"], "activation.granted");
    EXPECT_EQ(events.back().dump().find("Mario"), std::string::npos);
    EXPECT_EQ(events.back().dump().find("192.0.2.1"), std::string::npos);
    const auto evidence = instance_.ledger->view([&](ReadTransaction& txn) {
        return require(txn, instance_.codec, tables::kEvidence, number_key(index), "evidence");
    });
    ASSERT_TRUE(evidence);
    EXPECT_EQ(evidence->value.salt().size(), 32U);
    const auto body = nlohmann::json::parse(evidence->value.body());
    EXPECT_EQ(body["description"], "Mario Rossi buys a house");
    EXPECT_EQ(body["click"], click);
    EXPECT_FALSE(body.contains("clientData"));
    EXPECT_EQ(events.back()["evidence_sha256"],
              base64_encode(sha256({as_bytes(evidence->value.salt()), as_bytes(evidence->value.body())})));
}

TEST_F(ClickActivation, activation_evidence_replayed_for_another_document_is_refused) {
    const std::string click = instance_.click(hashes_);
    EXPECT_EQ(answer(authorize(credential_, "click", click)), Errc{});
    EXPECT_EQ(answer(authorize(credential_, "click", click)), Errc::kAuthenticationFailed) << "the same once more";
    hashes_ = {hash_of("another document")};
    EXPECT_EQ(answer(authorize(credential_, "click", click)), Errc::kAuthenticationFailed);
    EXPECT_EQ(instance_.count("activation.refused"), 2U);
    EXPECT_EQ(instance_.count("activation.granted"), 1U);
}

TEST_F(ClickActivation, the_same_evidence_on_twenty_connections_at_once_serves_one) {
    const std::string click = instance_.click(hashes_);
    const auto answers = at_once(20, [&](int) { return authorize(credential_, "click", click); });
    EXPECT_EQ(answers.at(Errc{}), 1);
    EXPECT_EQ(answers.at(Errc::kAuthenticationFailed), 19);
}

TEST_F(ClickActivation, stale_or_malformed_evidence_is_refused_and_locks_nobody) {
    const std::string click = instance_.click(hashes_);
    instance_.clock.advance(301s);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(answer(authorize(credential_, "click", click)), Errc::kAuthenticationFailed);
    EXPECT_EQ(answer(authorize(credential_, "click", "{}")), Errc::kAuthenticationFailed);
    EXPECT_EQ(answer(authorize(credential_, "click", "")), Errc::kAuthenticationFailed);
    EXPECT_EQ(answer(authorize(credential_, "click", instance_.click(hashes_))), Errc{});
    EXPECT_EQ(instance_.state(credential_).failures(), 0U);
}

TEST_F(ClickActivation, the_request_is_checked_before_anything_is_spent) {
    struct Case {
        std::string name;
        std::function<void(AuthorizeRequest&)> change;
        Errc code;
        std::string field;
    };
    const std::vector<Case> cases{
        {"no hashes", [](auto& r) { r.hashes.clear(); }, Errc::kInvalidArgument, "hashes"},
        {"twice", [](auto& r) { r.hashes.push_back(r.hashes.front()); }, Errc::kInvalidArgument, "hashes"},
        {"algorithm", [](auto& r) { r.hash_algorithm = HashAlgorithm::kSha512; }, Errc::kInvalidArgument, "hashes"},
        {"hash type", [](auto& r) { r.hash_type = record::HASH_TYPE_UNSPECIFIED; }, Errc::kInvalidArgument, "hashType"},
        {"too many", [](auto& r) { r.hashes = hashes_of(101); }, Errc::kLimitExceeded, "numSignatures"},
        {"far too many", [](auto& r) { r.hashes = hashes_of(1'001); }, Errc::kLimitExceeded, "numSignatures"},
        {"foreign factor", [](auto& r) { show(r, "totp", "123456"); }, Errc::kInvalidArgument, "authData"},
        {"unknown factor", [](auto& r) { show(r, "retina", "x"); }, Errc::kInvalidArgument, "authData"},
        {"factor of later", [](auto& r) { show(r, "otp_sms", "x"); }, Errc::kInvalidArgument, "authData"},
        {"factor twice", [](auto& r) { show(r, "click", "{}"); }, Errc::kInvalidArgument, "authData"},
        {"no factor", [](auto& r) { r.auth_data.clear(); }, Errc::kAuthenticationFailed, "authData"},
        {"description", [](auto& r) { r.description = std::string(4'097, 'x'); }, Errc::kLimitExceeded, "description"},
        {"client data", [](auto& r) { r.client_data = std::string(4'097, 'x'); }, Errc::kLimitExceeded, "clientData"},
        {"not UTF-8", [](auto& r) { r.description = "\xff"; }, Errc::kInvalidArgument, "description"},
        {"other tenant", [](auto& r) { r.tenant = "insurer"; }, Errc::kForbidden, ""},
        {"unknown client", [](auto& r) { r.client = ClientId(); }, Errc::kForbidden, ""},
        {"unknown credential", [](auto& r) { r.credential = *CredentialId::parse(std::string(32, '0')); }, Errc::kNotFound,
         "credentialID"},
    };
    const std::string click = instance_.click(hashes_);
    for (const Case& c : cases) {
        AuthorizeRequest made = request(credential_);
        show(made, "click", click);
        c.change(made);
        const auto refused = authorize(std::move(made));
        ASSERT_FALSE(refused) << c.name;
        EXPECT_EQ(refused.error().code, c.code) << c.name << ": " << to_string(refused.error());
        EXPECT_EQ(refused.error().field, c.field) << c.name;
    }
    EXPECT_EQ(answer(authorize(credential_, "click", click)), Errc{}) << "the nonce is still good";
}

TEST_F(ClickActivation, another_tenants_credential_looks_like_none) {
    const ClientId stranger = instance_.add_client("insurer");
    AuthorizeRequest made = instance_.request(stranger, credential_, hashes_);
    made.tenant = "insurer";
    show(made, "click", instance_.click(hashes_));
    const auto refused = authorize(std::move(made));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kNotFound);
    EXPECT_EQ(refused.error().field, "credentialID");
    EXPECT_EQ(instance_.count("activation.refused"), 0U);
}

TEST_F(ClickActivation, a_credential_that_may_not_sign_is_not_activated) {
    struct Case {
        std::string name;
        std::function<void(record::Credential&)> change;
        Errc code;
    };
    const auto status = [](record::CredentialStatus value) { return [value](record::Credential& c) { c.set_status(value); }; };
    for (const Case& c : std::vector<Case>{
             {"pending", status(record::STATUS_PENDING), Errc::kDisabled},
             {"suspended", status(record::STATUS_SUSPENDED), Errc::kDisabled},
             {"revoked", status(record::STATUS_REVOKED), Errc::kDisabled},
             {"deleted", status(record::STATUS_DELETED), Errc::kNotFound},
             {"expired", [&](auto& r) { r.set_not_after_ms(unix_millis(instance_.clock.now()) - 1); }, Errc::kExpired},
             {"not yet valid", [&](auto& r) { r.set_not_before_ms(unix_millis(instance_.clock.now()) + 1); }, Errc::kExpired}}) {
        const CredentialId credential = instance_.add_credential(signer_, "click", {});
        instance_.change_credential(credential, c.change);
        EXPECT_EQ(answer(authorize(credential, "click", instance_.click(hashes_))), c.code) << c.name;
    }
}

TEST_F(ClickActivation, a_thousand_hashes_are_all_in_the_log) {
    const CredentialId large = instance_.add_credential(signer_, "click", {}, {record::CLASS_SIMPLE, 1'000});
    std::vector<Digest> many;
    for (int i = 0; i < 1'000; ++i) many.push_back(digest_of(HashAlgorithm::kSha512, as_bytes(std::to_string(i))));
    AuthorizeRequest made = instance_.request(client_, large, many);
    made.hash_algorithm = HashAlgorithm::kSha512;
    show(made, "click", instance_.click(many));
    const auto granted = authorize(std::move(made));
    ASSERT_TRUE(granted) << to_string(granted.error());
    std::vector<std::string> logged;
    const auto first = instance_.events("activation.granted").back();
    EXPECT_EQ(first["hash_count"], 1'000);
    EXPECT_EQ(first["hashes_sha256"], base64_encode(hashes_digest(many)));
    for (const auto& hash : first["hashes"]) logged.push_back(hash);
    for (const auto& more : instance_.events("activation.hashes")) {
        EXPECT_EQ(more["sad_sha256"], first["sad_sha256"]);
        EXPECT_EQ(more["first"], logged.size());
        for (const auto& hash : more["hashes"]) logged.push_back(hash);
    }
    ASSERT_EQ(logged.size(), many.size());
    for (std::size_t i = 0; i < many.size(); ++i) ASSERT_EQ(logged[i], base64_encode(many[i].bytes()));
}

TEST_F(ClickActivation, extending_needs_no_factor_and_is_logged) {
    const auto granted = authorize(credential_, "click", instance_.click(hashes_));
    ASSERT_TRUE(granted);
    ExtendRequest more;
    more.client = client_;
    more.tenant = "bank";
    more.credential = credential_;
    more.sad = granted->sad.clone();
    more.hash_type = record::HASH_TYPE_DTBSR;
    more.hashes = {hashes_[1]};
    const auto extended = instance_.activator->extend(more);
    ASSERT_TRUE(extended) << to_string(extended.error());
    EXPECT_EQ(extended->expires_in, 300s);
    EXPECT_TRUE(sign(*extended, credential_, more.hashes));
    const auto events = instance_.events("activation.extended");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["voided_sad_sha256"], base64_encode(sad_digest(granted->sad)));
    EXPECT_EQ(events[0]["sad_sha256"], base64_encode(sad_digest(extended->sad)));
    EXPECT_EQ(instance_.events()[events[0]["activation"]]["type"], "activation.granted");

    EXPECT_EQ(answer(instance_.activator->extend(more)), Errc::kSadInvalid) << "voided";
    instance_.change_credential(credential_, [](record::Credential& c) { c.set_status(record::STATUS_SUSPENDED); });
    more.sad = extended->sad.clone();
    EXPECT_EQ(answer(instance_.activator->extend(more)), Errc::kDisabled);
    EXPECT_EQ(instance_.count("activation.refused"), 2U);
}

TEST_F(ClickActivation, a_removed_client_is_refused) {
    ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(auto client, recorder.require(tables::kClients, key_of(client_.str()), "clientID"));
        client.value.set_removed(true);
        SIGILLO_TRY(recorder.save(tables::kClients, key_of(client_.str()), client));
        SIGILLO_TRY(recorder.log(recorder.event("client.removed")));
        return {};
    }));
    EXPECT_EQ(answer(authorize(credential_, "click", instance_.click(hashes_))), Errc::kForbidden);
}

// ---- OTP ----------------------------------------------------------------------------------------------------

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
    EXPECT_EQ(answer(authorize(credential_, "totp", earlier)), Errc::kOtpInvalid) << "a step before the last accepted one";
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
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc::kLocked) << "the right one, too";
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
    for (int i = 0; i < 10; ++i) EXPECT_EQ(answer(authorize(request(credential_))), Errc::kAuthenticationFailed);
    EXPECT_EQ(instance_.state(credential_).failures(), 0U);
}

TEST_F(TotpActivation, a_client_that_has_used_up_its_budget_locks_nobody_else) {
    const std::string wrong = instance_.wrong_code(totp_);
    std::map<Errc, int> answers;
    for (int n = 0; n < 26; ++n) {
        const CredentialId credential = instance_.add_credential(signer_, "totp", {&totp_});
        for (int i = 0; i < 4; ++i) ++answers[answer(authorize(credential, "totp", wrong))];
    }
    EXPECT_EQ(answers[Errc::kOtpInvalid], 100);
    EXPECT_EQ(answers[Errc::kLimitExceeded], 4);
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc::kLimitExceeded);
    client_ = instance_.add_client();
    EXPECT_EQ(answer(authorize(credential_, "totp", instance_.totp(totp_))), Errc{});
}

TEST_F(TotpActivation, a_credential_suspended_meanwhile_is_refused_and_the_code_spent) {
    // The clock check runs once before and once after the factors were evaluated: between the two, things change.
    int calls = 0;
    Activator late(instance_.settings.activator,
                   Activator::Parts{*instance_.ledger, instance_.keys, *instance_.pins, *instance_.sads, *instance_.refusals,
                                    instance_.random, [&]() -> Status {
                                        if (++calls == 2)
                                            instance_.change_credential(credential_, [](record::Credential& c) {
                                                c.set_status(record::STATUS_SUSPENDED);
                                            });
                                        return {};
                                    }});
    const std::string code = instance_.totp(totp_);
    AuthorizeRequest made = request(credential_);
    show(made, "totp", code);
    EXPECT_EQ(answer(late.authorize(made)), Errc::kDisabled);
    instance_.change_credential(credential_, [](record::Credential& c) { c.set_status(record::STATUS_ACTIVE); });
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
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 5))), Errc::kOtpInvalid) << "skipped is spent";
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 21))), Errc::kOtpInvalid) << "too far ahead";
    EXPECT_EQ(answer(authorize(credential_, "hotp", instance_.hotp(hotp_, 20))), Errc{});
}

TEST_F(HotpActivation, the_same_code_on_twenty_connections_at_once_is_accepted_once) {
    const auto answers = at_once(20, [&](int) { return authorize(credential_, "hotp", instance_.hotp(hotp_, 3)); });
    EXPECT_EQ(answers.at(Errc{}), 1);
}

// ---- PIN and combinations -----------------------------------------------------------------------------------

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
    EXPECT_FALSE(instance_.keys.unwrap({credential.wrap_scheme(), to_bytes(credential.wrapped_key())}, expected))
        << "without the PIN the store's bytes are no wrapped key";
}

TEST_F(PinActivation, wrong_pins_are_refused_and_lock) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(answer(authorize(credential_, "pin", "999888")), Errc::kAuthenticationFailed);
    EXPECT_EQ(answer(authorize(credential_, "pin", std::string(kPin))), Errc::kLocked);
}

TEST_F(PinActivation, twenty_right_pins_at_once_are_twenty_grants) {
    const auto answers = at_once(20, [&](int i) {
        AuthorizeRequest made = instance_.request(client_, credential_, {hash_of(std::to_string(i))});
        show(made, "pin", std::string(kPin));
        return instance_.activator->authorize(made);
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

// ---- faults -------------------------------------------------------------------------------------------------

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
