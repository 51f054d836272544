// The process dies at each numbered step of the signing path (tests/README.md, 3): the next start reconciles
// every Intent, the log verifies, and a retry gets what is promised to it.
#include <gtest/gtest.h>
#include <signal.h>

#include <map>

#include "appliance/base/encoding.h"
#include "appliance/signing/steps.h"
#include "tests/sigillod/daemon_under_test.h"

namespace sigillo::testing {
namespace {

using signing::Step;
constexpr int kKilled = 128 + SIGKILL;

// What the SAD authorises: hashes that the key signs, or documents' digests.
class StepCrash : public ::testing::TestWithParam<std::string> {
 protected:
    void SetUp() override {
        daemon_.provision();
        daemon_.start();
        client_ = std::make_unique<ClientUnderTest>(daemon_);
        credential_ = client_->create_credential(client_->create_signer());
        authorize();
    }

    void authorize() {
        auto request = client_->authorize(credential_, hashes_, "click", client_->click(hashes_));
        request.mutable_authorize()->set_hash_type(of_documents() ? 2 : 1);
        const auto granted = client_->ask(request);
        ASSERT_TRUE(granted.has_authorized()) << granted.error().detail();
        sad_ = granted.authorized().sad();
    }

    // The first two of three authorised hashes, by a process that dies after `step`; then sigillod starts
    // again.
    void die_at(Step step) {
        ASSERT_EQ(daemon_.terminate(), 0);
        std::string output;
        ASSERT_EQ(daemon_.run("../tests/step_crash",
                              {daemon_.config().string(), std::to_string(static_cast<int>(step)),
                               hex_encode(client_->spki()), credential_, sad_, GetParam(),
                               hex_encode(called_[0]), hex_encode(called_[1])},
                              &output),
                  kKilled)
            << output;
        daemon_.start();
    }

    bool of_documents() const { return GetParam() == "documents"; }

    // Outcome of each authorised digest, as the client's list of uses has it.
    std::map<std::string, std::string> uses() const {
        sam::SigningRequest request;
        request.mutable_list_uses()->set_credential_id(credential_);
        request.mutable_list_uses()->set_limit(1'000);
        std::map<std::string, std::string> found;
        const auto answer = client_->ask(request);
        for (const auto& use : answer.uses().uses())
            found[of_documents() ? use.document_digest() : use.hash()] = use.outcome();
        return found;
    }
    std::string outcome_of(const Bytes& hash) const {
        const auto all = uses();
        const auto found = all.find(std::string(as_text(ByteView(hash))));
        return found == all.end() ? "none" : found->second;
    }

    sam::SigningResponse call(const std::vector<Bytes>& digests) const {
        return client_->ask(of_documents() ? client_->sign_documents(credential_, sad_, digests)
                                           : client_->sign_hash(credential_, sad_, digests));
    }
    sam::SigningResponse call() const { return call(called_); }
    static int signatures(const sam::SigningResponse& answer) {
        return answer.signatures().signatures_size() + answer.signed_documents().documents_size();
    }

    void expect_log_holds() const {
        std::string output;
        EXPECT_EQ(daemon_.audit(&output), 0) << output;
    }

    // The third hash is untouched by what happened to the others, and the credential goes on signing.
    void expect_goes_on() {
        EXPECT_EQ(signatures(call({hashes_[2]})), 1);
        EXPECT_EQ(client_->sign(credential_, {hash_of("afterwards")}).size(), 1u);
        expect_log_holds();
    }

    // Steps 3 and 4: whether the key was used cannot be told any more.
    void expect_unknown() {
        for (const Bytes& hash : called_) EXPECT_EQ(outcome_of(hash), "unknown");
        for (int i = 0; i < 2; ++i) {
            const auto retry = call();
            EXPECT_EQ(retry.error().code(), static_cast<std::uint32_t>(Errc::kOutcomeUnknown))
                << retry.error().detail();
        }
        // The hashes stay spent, in any other call as well.
        const auto other = call({called_[1]});
        EXPECT_EQ(other.error().code(), static_cast<std::uint32_t>(Errc::kHashNotAuthorized))
            << other.error().detail();
        expect_goes_on();
        // Authorised again they are signed.
        authorize();
        EXPECT_EQ(signatures(call()), 2);
        expect_log_holds();
    }

    DaemonUnderTest daemon_;
    std::unique_ptr<ClientUnderTest> client_;
    const std::vector<Bytes> hashes_{hash_of("one"), hash_of("two"), hash_of("three")};
    const std::vector<Bytes> called_{hashes_[0], hashes_[1]};
    std::string credential_;
    std::string sad_;
};

TEST_P(StepCrash, crash_after_step_2_nothing_has_happened_and_the_call_can_be_made) {
    die_at(Step::kChecked);
    EXPECT_TRUE(uses().empty());
    EXPECT_EQ(signatures(call()), 2);
    for (const Bytes& hash : called_) EXPECT_EQ(outcome_of(hash), "signed");
    expect_goes_on();
}

TEST_P(StepCrash, crash_after_step_3_the_intent_becomes_unknown_and_its_hashes_stay_spent) {
    die_at(Step::kIntentDurable);
    expect_unknown();
}

TEST_P(StepCrash, crash_after_step_4_the_intent_becomes_unknown_and_no_signature_is_answered) {
    die_at(Step::kSigned);
    expect_unknown();
}

TEST_P(StepCrash, crash_after_step_6_the_retry_gets_the_signatures_that_were_not_answered) {
    die_at(Step::kOutcomeDurable);
    for (const Bytes& hash : called_) EXPECT_EQ(outcome_of(hash), "signed");
    const auto first = call();
    ASSERT_EQ(signatures(first), 2) << first.error().detail();
    const auto second = call();
    EXPECT_EQ(first.signatures().SerializeAsString(), second.signatures().SerializeAsString());
    EXPECT_EQ(first.signed_documents().SerializeAsString(), second.signed_documents().SerializeAsString());
    EXPECT_EQ(uses().size(), 2u) << "the retry used the key again";
    expect_goes_on();
}

TEST_P(StepCrash, crash_upon_crash_before_the_next_start_reconciles_all_of_them) {
    ASSERT_EQ(daemon_.terminate(), 0);
    for (const Bytes& hash : hashes_)
        ASSERT_EQ(
            daemon_.run("../tests/step_crash",
                        {daemon_.config().string(), std::to_string(static_cast<int>(Step::kIntentDurable)),
                         hex_encode(client_->spki()), credential_, sad_, GetParam(), hex_encode(hash)}),
            kKilled);
    daemon_.start();
    for (const Bytes& hash : hashes_) EXPECT_EQ(outcome_of(hash), "unknown");
    daemon_.kill();  // and what was reconciled is not reconciled twice
    daemon_.start();
    EXPECT_EQ(uses().size(), 3u);
    EXPECT_EQ(client_->sign(credential_, {hash_of("afterwards")}).size(), 1u);
    expect_log_holds();
}

INSTANTIATE_TEST_SUITE_P(What, StepCrash, ::testing::Values("hashes", "documents"),
                         [](const auto& what) { return what.param; });

}  // namespace
}  // namespace sigillo::testing
