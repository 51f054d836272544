// Callbacks reach their receiver, or are given up where somebody reads of it; none is lost by a restart.
#include "api/fetch/sigillo-fetch/callbacks.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/fetch/http_peer.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::fetch {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::HttpPeer;
using testing::PeerConnection;
using testing::ScratchDirectory;

// A receiver that answers as it is told and remembers what it got.
class Receiver {
 public:
    explicit Receiver(std::vector<int> statuses) : statuses_(std::move(statuses)) {}
    std::string origin() const { return peer_.origin(); }
    std::vector<std::string> got() {
        const std::lock_guard lock(mutex_);
        return got_;
    }

 private:
    std::mutex mutex_;
    std::vector<int> statuses_;  // of the first requests; then 204
    std::vector<std::string> got_;
    HttpPeer peer_{[this](PeerConnection& connection) {
        for (std::string request; !(request = connection.read_request()).empty();) {
            int status = 204;
            {
                const std::lock_guard lock(mutex_);
                if (got_.size() < statuses_.size()) status = statuses_[got_.size()];
                got_.push_back(request);
            }
            if (!connection.answer(status, "")) return;
        }
    }};
};

class CallbacksTest : public ::testing::Test {
 protected:
    static void SetUpTestSuite() { ASSERT_TRUE(init_transfers()); }
    void start(const std::vector<std::string>& hosts) {
        stop();
        list_ = *AllowList::create("fetch.callbacks", hosts);
        spool_ = *Spool::open({scratch_.path()}, logger_);
        transfers_ = std::make_unique<Transfers>(TransferConfig{.total_timeout = 2s});
        callbacks_ = std::make_unique<Callbacks>(
            config_, Callbacks::Parts{*spool_, *transfers_, *list_, clock_, logger_});
    }
    void stop() {
        if (transfers_) transfers_->stop();
        callbacks_.reset();
        transfers_.reset();
    }
    template <class Condition>
    bool until(Condition done) {
        for (const auto end = steady_clock::now() + 20s; steady_clock::now() < end;) {
            if (done()) return true;
            std::this_thread::sleep_for(10ms);
        }
        return false;
    }
    Callbacks::State state() { return callbacks_->state(); }

    ScratchDirectory scratch_;
    SystemClock clock_;
    UniqueFd nowhere_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    Logger logger_{"test", nowhere_.get()};
    CallbackConfig config_{.first_pause = 0s};
    std::optional<AllowList> list_;
    std::unique_ptr<Spool> spool_;
    std::unique_ptr<Transfers> transfers_;
    std::unique_ptr<Callbacks> callbacks_;
};

TEST_F(CallbacksTest, OneIsDeliveredWithItsIdAndThenForgotten) {
    Receiver receiver({});
    start({receiver.origin()});
    ASSERT_TRUE(
        callbacks_->accept(receiver.origin() + "/done?x=1", as_bytes(R"({"responseID":"7"})"), "job-7"));
    ASSERT_TRUE(until([&] { return state().delivered == 1 && state().waiting == 0; }));
    ASSERT_EQ(receiver.got().size(), 1U);
    const std::string request = receiver.got()[0];
    EXPECT_TRUE(request.starts_with("POST /done?x=1 HTTP/1.1\r\n")) << request;
    EXPECT_NE(request.find("Content-Type: application/json\r\n"), std::string::npos);
    EXPECT_NE(request.find("Idempotency-Key: job-7\r\n"), std::string::npos);
    EXPECT_TRUE(request.ends_with("\r\n\r\n{\"responseID\":\"7\"}"));
    EXPECT_TRUE(until([&] { return spool_->size() == 0; }));
}

TEST_F(CallbacksTest, AFailureIsTriedAgain) {
    Receiver receiver({500, 503, 302});
    start({receiver.origin()});
    ASSERT_TRUE(callbacks_->accept(receiver.origin(), as_bytes("{}"), "a"));
    EXPECT_TRUE(until([&] { return state().delivered == 1; }));
    EXPECT_EQ(receiver.got().size(), 4U);
    EXPECT_EQ(state().failures, 3U);
}

TEST_F(CallbacksTest, AfterAllTriesOrA410ItIsGivenUp) {
    config_.attempts = 3;
    Receiver broken(std::vector<int>(10, 500)), gone({410});
    start({broken.origin(), gone.origin()});
    ASSERT_TRUE(callbacks_->accept(broken.origin(), as_bytes("{}"), "broken"));
    ASSERT_TRUE(callbacks_->accept(gone.origin(), as_bytes("{}"), "gone"));
    EXPECT_TRUE(until([&] { return state().given_up == 2 && spool_->size() == 0; }));
    EXPECT_EQ(broken.got().size(), 3U);
    EXPECT_EQ(gone.got().size(), 1U);
}

TEST_F(CallbacksTest, WhatIsTooOldIsGivenUpThoughTriesAreLeft) {
    Receiver broken(std::vector<int>(10, 500));
    {
        start({broken.origin()});
        stop();
        spool::Callback old;
        old.set_id("old");
        old.set_url(broken.origin() + "/");
        old.set_body("{}");
        old.set_accepted_ms(unix_millis(clock_.now() - config_.life));
        ASSERT_TRUE(spool_->add(old));
    }
    start({broken.origin()});
    EXPECT_TRUE(until([&] { return state().given_up == 1; }));
    EXPECT_EQ(broken.got().size(), 1U) << "it was tried once more";
}

TEST_F(CallbacksTest, ARestartLosesNothing) {
    const std::string nobody = "http://127.0.0.1:" + std::to_string(testing::free_port());
    config_.first_pause = 3'600s;
    start({nobody});
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(callbacks_->accept(nobody, as_bytes("{}"), "job-" + std::to_string(i)));
    ASSERT_TRUE(until([&] { return state().failures == 5; }));
    start({nobody});
    EXPECT_EQ(state().waiting, 5U);
    EXPECT_NE(state().oldest, WallTime{});
}

TEST_F(CallbacksTest, PausesDoubleUpToTheLongest) {
    const std::string nobody = "http://127.0.0.1:" + std::to_string(testing::free_port());
    config_.first_pause = 1s;
    start({nobody});
    ASSERT_TRUE(callbacks_->accept(nobody, as_bytes("{}"), "a"));
    ASSERT_TRUE(until([&] { return state().failures == 1; }));
    const auto first = steady_clock::now();
    ASSERT_TRUE(until([&] { return state().failures == 2; }));
    EXPECT_GE(steady_clock::now() - first, 900ms);
    const auto second = steady_clock::now();
    ASSERT_TRUE(until([&] { return state().failures == 3; }));
    EXPECT_GE(steady_clock::now() - second, 1'900ms);
}

TEST_F(CallbacksTest, WhatCannotBeDeliveredIsRefusedAtOnce) {
    config_.max_bytes = 10;
    start({"https://bank.example"});
    EXPECT_EQ(callbacks_->accept("https://evil.example/", as_bytes("{}"), "a").error().code,
              Errc::kForbidden);
    EXPECT_EQ(callbacks_->accept("http://bank.example/", as_bytes("{}"), "a").error().code, Errc::kForbidden);
    EXPECT_EQ(callbacks_->accept("bank", as_bytes("{}"), "a").error().code, Errc::kInvalidArgument);
    EXPECT_EQ(callbacks_->accept("https://bank.example/", as_bytes("{}"), "../a").error().field, "id");
    EXPECT_EQ(callbacks_->accept("https://bank.example/", as_bytes("01234567890"), "a").error().field,
              "body");
    EXPECT_EQ(spool_->size(), 0U);
}

TEST_F(CallbacksTest, AHostThatWasTakenOutOfTheListGetsNothingMore) {
    Receiver receiver({});
    const std::string nobody = "http://127.0.0.1:" + std::to_string(testing::free_port());
    config_.first_pause = 3'600s;
    start({nobody});
    ASSERT_TRUE(callbacks_->accept(nobody, as_bytes("{}"), "a"));
    ASSERT_TRUE(until([&] { return state().failures == 1; }));
    stop();
    spool::Callback due = spool_->read_all()[0];
    due.set_next_ms(0);
    ASSERT_TRUE(spool_->update(due));
    start({receiver.origin()});
    EXPECT_TRUE(until([&] { return state().given_up == 1; }));
}

TEST_F(CallbacksTest, TheSameIdTwiceIsOneCallback) {
    const std::string nobody = "http://127.0.0.1:" + std::to_string(testing::free_port());
    config_.first_pause = 3'600s;
    start({nobody});
    ASSERT_TRUE(callbacks_->accept(nobody, as_bytes("{}"), "a"));
    EXPECT_TRUE(callbacks_->accept(nobody, as_bytes("{}"), "a"));
    EXPECT_EQ(state().waiting, 1U);
}

}  // namespace
}  // namespace sigillo::fetch
