// Gathering of validation data: where each proof comes from, what is tried next, what is shared, and what
// bounds it.
#include "api/documents/validation_data.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "api/ocsp.h"
#include "appliance/base/file.h"
#include "appliance/base/pool_executor.h"
#include "tests/api/api_harness.h"
#include "tests/support/manual_clock.h"

namespace sigillo::api::documents {
namespace {

using namespace std::chrono_literals;
using sigillo::testing::ManualClock;
using testing::ScriptedClient;

const Bytes kOwnCa = to_bytes("own CA");
// An OCSP request of openssl's: sigillo-api parses it to ask sigillod.
const Bytes kOcspRequest{0x30, 0x42, 0x30, 0x40, 0x30, 0x3E, 0x30, 0x3C, 0x30, 0x3A, 0x30, 0x09, 0x06, 0x05,
                         0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14, 0,    0,    0,    0,    0,
                         0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                         0,    0x04, 0x14, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
                         0,    0,    0,    0,    0,    0,    0,    0,    0,    0x02, 0x01, 0x05};

NeededProof needed(const std::string& name, const std::string& issuer = "foreign CA") {
    return {.certificate = to_bytes(name),
            .issuer = to_bytes(issuer),
            .ocsp_request = kOcspRequest,
            .subject = "CN=" + name,
            .ocsp_urls = {"http://ocsp/" + name},
            .crl_urls = {"http://crl/ca"},
            .issuer_urls = {}};
}

// Answers by URL; what is not there is refused.
class FakeFetcher final : public fetch::Fetcher {
 public:
    std::map<std::string, std::string> bodies;
    std::vector<std::string> asked;
    std::vector<std::string> kept;
    std::vector<fetch::Callback<fetch::Fetched>> parked;
    bool park = false;

    void get(const std::string& url, fetch::Kind, bool fresh,
             fetch::Callback<fetch::Fetched> callback) override {
        answer((fresh ? "fresh " : "") + url, url, std::move(callback));
    }
    void post_ocsp(const std::string& url, ByteView, fetch::Callback<fetch::Fetched> callback) override {
        answer(url, url, std::move(callback));
    }
    void keep_until(const std::string& url, fetch::Kind, ByteView, WallTime) override {
        const std::lock_guard lock(mutex_);
        kept.push_back(url);
    }
    void check_callback(const std::string&, std::function<void(Status)> callback) override { callback({}); }
    void post_callback(const std::string&, ByteView, const std::string&,
                       std::function<void(Status)>) override {}
    void health(fetch::Callback<fetch::HealthReport>) override {}
    // Those who wait, and no longer here.
    std::vector<fetch::Callback<fetch::Fetched>> take_parked() {
        const std::lock_guard lock(mutex_);
        return std::exchange(parked, {});
    }

 private:
    void answer(const std::string& what, const std::string& url, fetch::Callback<fetch::Fetched> callback) {
        std::unique_lock lock(mutex_);
        asked.push_back(what);
        if (park) {
            parked.push_back(std::move(callback));
            return;
        }
        const auto found = bodies.find(url);
        const Result<fetch::Fetched> result =
            found == bodies.end()
                ? Result<fetch::Fetched>(fail(Errc::kForbidden, "the host is not in fetch.allow"))
                : Result<fetch::Fetched>(fetch::Fetched{.body = to_bytes(found->second)});
        lock.unlock();
        callback(result);
    }
    std::mutex mutex_;
};

// An answer proves a certificate when it names it ("ok:<certificate>"); what else it says the words after it
// tell.
class FakeChecker final : public ProofChecker {
 public:
    explicit FakeChecker(const ManualClock& clock) : clock_(clock) {}
    std::map<std::string, std::vector<NeededProof>> further;  // by answer
    std::map<std::string, std::vector<Bytes>> certificates;
    std::atomic<unsigned> checks{0};

    Task<Result<CheckedProof>> check(const NeededProof& about, ProofKind, const Bytes& answer) override {
        ++checks;
        const std::string text(as_text(answer));
        if (text == "revoked") co_return fail(Errc::kConflict, about.subject + " was revoked");
        if (text == "worker gone") co_return fail(Errc::kUnavailable, "no document worker");
        if (!text.starts_with("ok")) co_return fail(Errc::kInvalidArgument, "not an answer: " + text);
        CheckedProof checked{.next_update = clock_.now() + 1h, .further = {}, .certificates = {}};
        if (const auto more = further.find(text); more != further.end()) checked.further = more->second;
        if (const auto more = certificates.find(text); more != certificates.end())
            checked.certificates = more->second;
        co_return checked;
    }

 private:
    const ManualClock& clock_;
};

class ValidationDataTest : public ::testing::Test {
 protected:
    ValidationDataTest() {
        auto client = std::make_unique<ScriptedClient<sam::SigningRequest, sam::SigningResponse>>(
            [this](const sam::SigningRequest& request) { return of_sigillod(request); });
        sam_ = std::make_unique<SigningSam>(std::move(client));
    }
    sam::SigningResponse of_sigillod(const sam::SigningRequest& request) {
        const std::lock_guard lock(mutex_);
        sam::SigningResponse response;
        if (request.has_get_ca_certificate()) {
            response.mutable_document()->set_der(std::string(as_text(kOwnCa)));
        } else if (request.has_get_crl()) {
            ++own_crls_;
            response.mutable_document()->set_der("ok own crl");
        } else if (request.has_ocsp()) {
            EXPECT_TRUE(request.ocsp().fresh());
            EXPECT_EQ(request.client().spki_sha256(), "client");
            ++own_ocsps_;
            if (own_ocsp_.empty())
                response.mutable_ocsp_answer()->set_failure("tryLater");
            else
                response.mutable_ocsp_answer()->set_response(own_ocsp_);
        }
        return response;
    }
    ValidationGatherer& gatherer() {
        const std::lock_guard lock(mutex_);
        if (!gatherer_)
            gatherer_ = std::make_unique<ValidationGatherer>(
                config_, ValidationGatherer::Parts{*sam_, with_fetcher_ ? &fetcher_ : nullptr, checker_,
                                                   executor_, clock_, logger_});
        return *gatherer_;
    }
    Result<ValidationData> gather(std::vector<NeededProof> list) {
        sam::ClientContext client;
        client.set_spki_sha256("client");
        return run_to_end(gatherer().gather(std::move(client), std::move(list), clock_.now()));
    }

    ManualClock clock_;
    UniqueFd nowhere_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Logger logger_{"test", nowhere_.get()};
    std::mutex mutex_;
    unsigned own_ocsps_ = 0;
    unsigned own_crls_ = 0;
    std::string own_ocsp_ = "ok own ocsp";
    bool with_fetcher_ = true;
    ValidationConfig config_;
    FakeFetcher fetcher_;
    FakeChecker checker_{clock_};
    PoolExecutor executor_{3, 0};
    std::unique_ptr<SigningSam> sam_;
    std::unique_ptr<ValidationGatherer> gatherer_;
};

TEST_F(ValidationDataTest, ForOurOwnCertificatesSigillodIsAskedAndNobodyOutside) {
    const auto data = gather({needed("signer", "own CA"), needed("unit", "own CA")});
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_EQ(data->ocsps, std::vector<Bytes>{to_bytes("ok own ocsp")});
    EXPECT_EQ(data->certificates, std::vector<Bytes>{kOwnCa});
    EXPECT_TRUE(data->crls.empty());
    EXPECT_TRUE(fetcher_.asked.empty());
    EXPECT_EQ(own_ocsps_, 2U);
}

TEST_F(ValidationDataTest, WithoutAnOcspAnswerOfOursTheCrlServes) {
    own_ocsp_.clear();
    const auto data = gather({needed("signer", "own CA")});
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_EQ(data->crls, std::vector<Bytes>{to_bytes("ok own crl")});
    EXPECT_EQ(own_crls_, 1U);
}

TEST_F(ValidationDataTest, ForForeignOnesOcspComesFirstAndTheCrlSecond) {
    fetcher_.bodies = {{"http://ocsp/a", "ok a"}, {"http://ocsp/b", "garbage"}, {"http://crl/ca", "ok list"}};
    const auto data = gather({needed("a"), needed("b")});
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_EQ(data->ocsps, std::vector<Bytes>{to_bytes("ok a")});
    EXPECT_EQ(data->crls, std::vector<Bytes>{to_bytes("ok list")});
    EXPECT_EQ(fetcher_.kept, std::vector<std::string>{"http://crl/ca"});
}

TEST_F(ValidationDataTest, AListInTheCacheThatProvesNothingIsFetchedAnew) {
    fetcher_.bodies = {{"http://crl/ca", "ended"}};
    const auto data = gather({needed("a")});
    ASSERT_FALSE(data);
    EXPECT_EQ(fetcher_.asked,
              (std::vector<std::string>{"http://ocsp/a", "http://crl/ca", "fresh http://crl/ca"}));
}

TEST_F(ValidationDataTest, WhenNothingProvesItEveryAttemptIsNamed) {
    fetcher_.bodies = {{"http://crl/ca", "rubbish"}};
    const auto data = gather({needed("a")});
    ASSERT_FALSE(data);
    EXPECT_EQ(data.error().code, Errc::kUnavailable);
    for (const char* word :
         {"CN=a", "http://ocsp/a: the host is not in fetch.allow", "http://crl/ca: not an answer"})
        EXPECT_NE(data.error().detail.find(word), std::string::npos) << data.error().detail;
    NeededProof silent = needed("b");
    silent.ocsp_urls.clear();
    silent.crl_urls.clear();
    EXPECT_NE(gather({silent}).error().detail.find("neither an OCSP responder nor a CRL"), std::string::npos);
    with_fetcher_ = false;
    gatherer_.reset();
    EXPECT_NE(gather({needed("a")}).error().detail.find("no sigillo-fetch is configured"), std::string::npos);
}

TEST_F(ValidationDataTest, ARevokedCertificateEndsItAtOnce) {
    fetcher_.bodies = {{"http://ocsp/a", "revoked"}, {"http://crl/ca", "ok list"}};
    EXPECT_EQ(gather({needed("a")}).error().code, Errc::kConflict);
    EXPECT_EQ(fetcher_.asked.size(), 1U);
    fetcher_.bodies["http://ocsp/b"] = "worker gone";
    EXPECT_EQ(gather({needed("b")}).error().detail, "no document worker");
}

TEST_F(ValidationDataTest, WhatAnAnswerNeedsIsGatheredToo) {
    fetcher_.bodies = {{"http://ocsp/a", "ok a"}, {"http://ocsp/responder", "ok responder"}};
    checker_.certificates["ok a"] = {to_bytes("responder")};
    checker_.further["ok a"] = {needed("responder")};
    const auto data = gather({needed("a"), needed("a")});
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_EQ(data->ocsps, (std::vector<Bytes>{to_bytes("ok a"), to_bytes("ok responder")}));
    EXPECT_EQ(data->certificates, (std::vector<Bytes>{to_bytes("foreign CA"), to_bytes("responder")}));
    EXPECT_EQ(checker_.checks, 2U) << "each certificate once";
}

TEST_F(ValidationDataTest, AnIssuerThatIsNotAtHandIsFetched) {
    NeededProof orphan = needed("a");
    orphan.issuer.clear();
    orphan.ocsp_request.clear();
    EXPECT_NE(gather({orphan}).error().detail.find("does not say where to get it"), std::string::npos);
    orphan.issuer_urls = {"http://ca/issuer"};
    fetcher_.bodies = {{"http://ca/issuer", "ok issuer"}, {"http://ocsp/a", "ok a"}};
    checker_.further["ok issuer"] = {needed("a")};
    const auto data = gather({orphan});
    ASSERT_TRUE(data) << data.error().detail;
    EXPECT_EQ(data->ocsps, std::vector<Bytes>{to_bytes("ok a")});
    EXPECT_EQ(data->certificates, std::vector<Bytes>{to_bytes("foreign CA")});
}

TEST_F(ValidationDataTest, AnswersAreKeptButAnOcspAnswerOfBeforeTheSignatureIsNot) {
    fetcher_.bodies = {{"http://ocsp/a", "ok a"}, {"http://crl/ca", "ok list"}};
    NeededProof by_list = needed("b");
    by_list.ocsp_urls.clear();
    ASSERT_TRUE(gather({needed("a"), by_list}));
    ASSERT_EQ(fetcher_.asked.size(), 2U);
    ASSERT_TRUE(gather({needed("a"), by_list})) << "the same moment";
    EXPECT_EQ(fetcher_.asked.size(), 2U);
    clock_.advance(1s);
    ASSERT_TRUE(gather({needed("a"), by_list}));
    EXPECT_EQ(fetcher_.asked.size(), 3U) << "OCSP again, the list not";
    clock_.advance(config_.cache_life);
    ASSERT_TRUE(gather({needed("a"), by_list}));
    EXPECT_EQ(fetcher_.asked.size(), 5U);
}

TEST_F(ValidationDataTest, TheBoundsHold) {
    config_.max_certificates = 3;
    config_.max_rounds = 2;
    config_.max_bytes = 40;
    std::vector<NeededProof> many;
    for (const char* name : {"a", "b", "c", "d"}) {
        many.push_back(needed(name));
        fetcher_.bodies["http://ocsp/" + std::string(name)] = "ok " + std::string(name);
    }
    EXPECT_EQ(gather(many).error().field, "validation_certificates");
    checker_.further["ok a"] = {needed("b")};
    checker_.further["ok b"] = {needed("c")};
    EXPECT_EQ(gather({needed("a")}).error().field, "validation_rounds");
    fetcher_.bodies["http://ocsp/e"] = "ok " + std::string(100, 'e');
    EXPECT_EQ(gather({needed("e")}).error().field, "validation_bytes");
}

TEST_F(ValidationDataTest, WhatTwoWantAtATimeIsFetchedOnce) {
    fetcher_.park = true;
    constexpr unsigned kThreads = 4;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    std::atomic<unsigned> good{0};
    NeededProof by_list = needed("a");
    by_list.ocsp_urls.clear();
    for (unsigned i = 0; i < kThreads; ++i)
        threads.emplace_back([&] {
            if (gather({by_list})) ++good;
        });
    std::this_thread::sleep_for(200ms);
    const auto parked = fetcher_.take_parked();
    for (const auto& callback : parked) callback(fetch::Fetched{.body = to_bytes("ok list")});
    EXPECT_EQ(parked.size(), 1U);
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(good, kThreads);
    EXPECT_EQ(fetcher_.asked.size(), 1U);
}

}  // namespace
}  // namespace sigillo::api::documents
