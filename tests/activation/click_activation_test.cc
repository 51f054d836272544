// authorize by click, and extendTransaction: tests/README.md, 21.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "appliance/base/encoding.h"
#include "appliance/store/housekeeper.h"
#include "tests/activation/activation_fixture.h"

namespace sigillo::activation::testing {
namespace {

using namespace std::chrono_literals;

// --------------------------------------------------------------------------------------------------

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
    EXPECT_EQ(event["hashes"],
              nlohmann::json::array({base64_encode(hashes_[0].bytes()), base64_encode(hashes_[1].bytes())}));
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
    const EvidenceKeeper keeper(instance_.codec, instance_.random, kTwentyYears);
    const auto evidence = instance_.ledger->view(
        [&](ReadTransaction& txn) { return keeper.open(txn, instance_.codec, 1, index); });
    ASSERT_TRUE(evidence) << to_string(evidence.error());
    EXPECT_EQ(evidence->salt.size(), 32U);
    const auto body = nlohmann::json::parse(evidence->body);
    EXPECT_EQ(body["description"], "Mario Rossi buys a house");
    EXPECT_EQ(body["click"], click);
    EXPECT_FALSE(body.contains("clientData"));
    EXPECT_EQ(events.back()["evidence_sha256"],
              base64_encode(sha256({evidence->salt, as_bytes(evidence->body)})));
}

TEST_F(ClickActivation, evidence_is_sealed_in_the_store_and_to_its_row) {
    AuthorizeRequest made = request(credential_);
    made.description = "Mario Rossi buys a house";
    show(made, "click", instance_.click(hashes_));
    ASSERT_TRUE(authorize(std::move(made)));
    const std::uint64_t index = instance_.events().size() - 1;
    bool readable = false;
    record::Evidence stored;
    ASSERT_TRUE(instance_.ledger->view([&](ReadTransaction& txn) -> Status {
        for (const Space space : kAllSpaces)
            SIGILLO_TRY(txn.scan(space, {}, {}, [&](ByteView, ByteView value) -> Result<bool> {
                readable = readable || as_text(value).find("Mario") != std::string_view::npos ||
                           as_text(value).find("192.0.2.1") != std::string_view::npos;
                return true;
            }));
        SIGILLO_ASSIGN(const auto row,
                       require(txn, instance_.codec, tables::kEvidence, number_key(1, index), "evidence"));
        stored = row.value;
        return {};
    }));
    EXPECT_FALSE(readable);
    ASSERT_TRUE(instance_.update([&](audit::Recorder& recorder) {
        return recorder.create(tables::kEvidence, number_key(1, index + 1), stored);
    }));
    const EvidenceKeeper keeper(instance_.codec, instance_.random, kTwentyYears);
    const auto moved = instance_.ledger->view(
        [&](ReadTransaction& txn) { return keeper.open(txn, instance_.codec, 1, index + 1); });
    ASSERT_FALSE(moved);
    EXPECT_EQ(moved.error().code, Errc::kCorrupt);
}

TEST_F(ClickActivation, evidence_goes_when_its_retention_ends) {
    AuthorizeRequest made = request(credential_);
    show(made, "click", instance_.click(hashes_));
    ASSERT_TRUE(authorize(std::move(made)));
    const std::uint64_t index = instance_.events().size() - 1;
    const EvidenceKeeper keeper(instance_.codec, instance_.random, kTwentyYears);
    const auto kept = [&] {
        return instance_.ledger
            ->view([&](ReadTransaction& txn) { return keeper.open(txn, instance_.codec, 1, index); })
            .has_value();
    };
    Housekeeper housekeeper(*instance_.store, {});
    ASSERT_TRUE(housekeeper.run_once(instance_.clock.now() + kTwentyYears - 1h));
    EXPECT_TRUE(kept());
    ASSERT_TRUE(housekeeper.run_once(instance_.clock.now() + kTwentyYears + 1h));
    EXPECT_FALSE(kept());
}

TEST_F(ClickActivation, a_request_that_cannot_be_is_in_the_log_if_the_credential_is_the_tenants) {
    AuthorizeRequest twice = request(credential_);
    twice.hashes.push_back(twice.hashes.front());
    const auto refuse = [&](AuthorizeRequest made) { EXPECT_FALSE(authorize(std::move(made))); };
    {
        AuthorizeRequest made = request(credential_);
        made.hashes = hashes_of(1'001);
        refuse(std::move(made));
    }
    EXPECT_EQ(instance_.count("activation.refused"), 1U);
    EXPECT_EQ(instance_.events("activation.refused").back()["reason"], "limit_exceeded");
    {
        AuthorizeRequest made = request(credential_);
        made.hashes.clear();
        made.tenant = "competitor";
        refuse(std::move(made));
    }
    {
        AuthorizeRequest made = request(CredentialId::generate(instance_.random));
        made.hashes.clear();
        refuse(std::move(made));
    }
    EXPECT_EQ(instance_.count("activation.refused"), 1U) << "what is not the tenant's was not touched";
    refuse(std::move(twice));
    EXPECT_EQ(instance_.count("activation.refused"), 2U);
    EXPECT_EQ(instance_.activator->metrics().refused, 2U);
}

TEST_F(ClickActivation, activation_evidence_replayed_for_another_document_is_refused) {
    const std::string click = instance_.click(hashes_);
    EXPECT_EQ(answer(authorize(credential_, "click", click)), Errc{});
    EXPECT_EQ(answer(authorize(credential_, "click", click)), Errc::kAuthenticationFailed)
        << "the same once more";
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
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(answer(authorize(credential_, "click", click)), Errc::kAuthenticationFailed);
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
        {"algorithm", [](auto& r) { r.hash_algorithm = HashAlgorithm::kSha512; }, Errc::kInvalidArgument,
         "hashes"},
        {"hash type", [](auto& r) { r.hash_type = record::HASH_TYPE_UNSPECIFIED; }, Errc::kInvalidArgument,
         "hashType"},
        {"too many", [](auto& r) { r.hashes = hashes_of(101); }, Errc::kLimitExceeded, "numSignatures"},
        {"far too many", [](auto& r) { r.hashes = hashes_of(1'001); }, Errc::kLimitExceeded, "numSignatures"},
        {"foreign factor", [](auto& r) { show(r, "totp", "123456"); }, Errc::kInvalidArgument, "authData"},
        {"unknown factor", [](auto& r) { show(r, "retina", "x"); }, Errc::kInvalidArgument, "authData"},
        {"factor of later", [](auto& r) { show(r, "otp_sms", "x"); }, Errc::kInvalidArgument, "authData"},
        {"factor twice", [](auto& r) { show(r, "click", "{}"); }, Errc::kInvalidArgument, "authData"},
        {"no factor", [](auto& r) { r.auth_data.clear(); }, Errc::kAuthenticationFailed, "authData"},
        {"description", [](auto& r) { r.description = std::string(4'097, 'x'); }, Errc::kLimitExceeded,
         "description"},
        {"client data", [](auto& r) { r.client_data = std::string(4'097, 'x'); }, Errc::kLimitExceeded,
         "clientData"},
        {"not UTF-8", [](auto& r) { r.description = "\xff"; }, Errc::kInvalidArgument, "description"},
        {"other tenant", [](auto& r) { r.tenant = "insurer"; }, Errc::kForbidden, ""},
        {"unknown client", [](auto& r) { r.client = *ClientId::parse(std::string(32, '0')); },
         Errc::kForbidden, ""},
        {"unknown credential", [](auto& r) { r.credential = *CredentialId::parse(std::string(32, '0')); },
         Errc::kNotFound, "credentialID"},
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
    const auto status = [](record::CredentialStatus value) {
        return [value](record::Credential& c) { c.set_status(value); };
    };
    for (const Case& c : std::vector<Case>{
             {"pending", status(record::STATUS_PENDING), Errc::kDisabled},
             {"suspended", status(record::STATUS_SUSPENDED), Errc::kDisabled},
             {"revoked", status(record::STATUS_REVOKED), Errc::kDisabled},
             {"deleted", status(record::STATUS_DELETED), Errc::kNotFound},
             {"expired", [&](auto& r) { r.set_not_after_ms(unix_millis(instance_.clock.now()) - 1); },
              Errc::kExpired},
             {"not yet valid", [&](auto& r) { r.set_not_before_ms(unix_millis(instance_.clock.now()) + 1); },
              Errc::kExpired}}) {
        const CredentialId credential = instance_.add_credential(signer_, "click", {});
        instance_.change_credential(credential, c.change);
        EXPECT_EQ(answer(authorize(credential, "click", instance_.click(hashes_))), c.code) << c.name;
    }
}

TEST_F(ClickActivation, a_thousand_hashes_are_all_in_the_log) {
    const CredentialId large = instance_.add_credential(signer_, "click", {}, {record::CLASS_SIMPLE, 1'000});
    std::vector<Digest> many;
    for (int i = 0; i < 1'000; ++i)
        many.push_back(digest_of(HashAlgorithm::kSha512, as_bytes(std::to_string(i))));
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
    const auto extended = run_to_end(instance_.activator->extend(more));
    ASSERT_TRUE(extended) << to_string(extended.error());
    EXPECT_EQ(extended->expires_in, 300s);
    EXPECT_TRUE(sign(*extended, credential_, more.hashes));
    const auto events = instance_.events("activation.extended");
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["voided_sad_sha256"], base64_encode(sad_digest(granted->sad)));
    EXPECT_EQ(events[0]["sad_sha256"], base64_encode(sad_digest(extended->sad)));
    EXPECT_EQ(instance_.events()[events[0]["activation"]]["type"], "activation.granted");

    EXPECT_EQ(answer(run_to_end(instance_.activator->extend(more))), Errc::kSadInvalid) << "voided";
    instance_.change_credential(credential_,
                                [](record::Credential& c) { c.set_status(record::STATUS_SUSPENDED); });
    more.sad = extended->sad.clone();
    EXPECT_EQ(answer(run_to_end(instance_.activator->extend(more))), Errc::kDisabled);
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

}  // namespace
}  // namespace sigillo::activation::testing
