#include "appliance/ipc/client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <mutex>
#include <set>

#include "appliance/base/worker_pool.h"
#include "appliance/ipc/server.h"
#include "tests/ipc/raw_peer.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::ipc {
namespace {

using testing::eventually;
using testing::RawPeer;
using testing::request_bytes;

class ClientTest : public ::testing::Test {
 protected:
    std::string path() const { return (scratch_ / "s.sock").string(); }
    ClientConfig config() const {
        ClientConfig config;
        config.path = path();
        config.reconnect_pause = std::chrono::milliseconds(10);
        return config;
    }
    std::unique_ptr<Server> start(Handler handler) {
        ServerConfig server;
        server.path = path();
        return *Server::start(server, std::move(handler), logger_);
    }
    std::unique_ptr<Server> start_echo() {
        return start([](const Peer&, Bytes payload, const Reply& reply) { reply(payload); });
    }
    std::unique_ptr<Server> start_silent() {
        return start([this](const Peer&, const Bytes&, Reply reply) {
            const std::lock_guard lock(mutex_);
            kept_.push_back(std::move(reply));
        });
    }
    static std::future<Result<Bytes>> call(Client& client, std::uint64_t id, const std::string& text = "x") {
        auto promise = std::make_shared<std::promise<Result<Bytes>>>();
        client.call(id, request_bytes(id, text),
                    [promise](Result<Bytes> answer) { promise->set_value(std::move(answer)); });
        return promise->get_future();
    }
    static Result<Bytes> ask(Client& client) { return call(client, client.next_id()).get(); }

    testing::ScratchDirectory scratch_;
    UniqueFd log_{::open((scratch_ / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)};
    Logger logger_{"test", log_.get()};
    std::mutex mutex_;
    std::vector<Reply> kept_;
};

TEST_F(ClientTest, GetsTheAnswerToItsRequest) {
    const auto server = start_echo();
    const auto client = Client::create(config());
    EXPECT_TRUE(client->connected());
    EXPECT_EQ(*call(*client, 5, "five").get(), request_bytes(5, "five"));
}

TEST_F(ClientTest, EachOfManyRequestsInFlightGetsItsOwnAnswer) {
    WorkerPool pool(4, 100'000);
    const auto server = start([&pool](const Peer&, Bytes payload, Reply reply) {
        ASSERT_TRUE(
            pool.submit([payload = std::move(payload), reply = std::move(reply)] { reply(payload); }));
    });
    const auto client = Client::create(config());
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([&client] {
            std::vector<std::pair<Bytes, std::future<Result<Bytes>>>> calls;
            for (int i = 0; i < 500; ++i) {
                const std::uint64_t id = client->next_id();
                const std::string text(static_cast<std::size_t>(id % 977), 'a');
                calls.emplace_back(request_bytes(id, text), call(*client, id, text));
            }
            for (auto& [sent, future] : calls) EXPECT_EQ(*future.get(), sent);
        });
    }
    for (std::thread& caller : callers) caller.join();
}

TEST_F(ClientTest, CallsWhileNothingListensFailAtOnceAndSayWhere) {
    const auto client = Client::create(config());
    EXPECT_FALSE(client->connected());
    const auto before = std::chrono::steady_clock::now();
    const auto answer = ask(*client);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
    EXPECT_NE(answer.error().detail.find(path()), std::string::npos);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

TEST_F(ClientTest, FindsAServerThatComesLaterAndOneThatRestarts) {
    const auto client = Client::create(config());
    for (int life = 0; life < 3; ++life) {
        const auto server = start_echo();
        ASSERT_TRUE(eventually([&] { return client->connected(); }));
        EXPECT_TRUE(eventually([&] { return ask(*client).has_value(); }));
    }
    EXPECT_TRUE(eventually([&] { return !client->connected(); }));
}

TEST_F(ClientTest, RequestsInFlightAtALossFailAsUnavailable) {
    auto server = start_silent();
    const auto client = Client::create(config());
    std::vector<std::future<Result<Bytes>>> answers;
    for (int i = 0; i < 100; ++i) answers.push_back(call(*client, client->next_id()));
    ASSERT_TRUE(eventually([&] { return server->in_flight() == 100; }));
    server.reset();
    for (auto& answer : answers) EXPECT_EQ(answer.get().error().code, Errc::kUnavailable);
}

TEST_F(ClientTest, RequestsInFlightAtItsOwnEndFailAsUnavailable) {
    const auto server = start_silent();
    auto client = Client::create(config());
    auto answer = call(*client, client->next_id());
    client.reset();
    EXPECT_EQ(answer.get().error().code, Errc::kUnavailable);
}

TEST_F(ClientTest, ARequestPastItsDeadlineFailsAndItsLateAnswerHarmsNobody) {
    const auto server = start_silent();
    ClientConfig hasty = config();
    hasty.deadline = std::chrono::milliseconds(30);
    const auto client = Client::create(hasty);
    EXPECT_EQ(call(*client, 1).get().error().code, Errc::kInternal);
    auto next = call(*client, 2);
    ASSERT_TRUE(eventually([&] {
        const std::lock_guard lock(mutex_);
        return kept_.size() == 2;
    }));
    kept_[0](request_bytes(1));
    kept_[1](request_bytes(2));
    const auto answer = next.get();
    // On a slow machine the second deadline may have passed, too.
    if (answer) {
        EXPECT_EQ(*answer, request_bytes(2));
    } else {
        EXPECT_EQ(answer.error().code, Errc::kInternal);
    }
}

TEST_F(ClientTest, TooManyInFlightAreRefusedAtOnce) {
    const auto server = start_silent();
    ClientConfig small = config();
    small.in_flight_limit = 2;
    const auto client = Client::create(small);
    auto first = call(*client, 1);
    auto second = call(*client, 2);
    EXPECT_EQ(call(*client, 3).get().error().code, Errc::kUnavailable);
}

TEST_F(ClientTest, AnIdInFlightOrNotThePayloadsIsRefused) {
    const auto server = start_silent();
    auto client = Client::create(config());
    auto first = call(*client, 1);
    EXPECT_EQ(call(*client, 1).get().error().code, Errc::kInternal);
    std::promise<Result<Bytes>> wrong;
    client->call(8, request_bytes(9), [&wrong](Result<Bytes> answer) { wrong.set_value(std::move(answer)); });
    EXPECT_EQ(wrong.get_future().get().error().code, Errc::kInternal);
    std::promise<Result<Bytes>> longer;
    client->call(10, request_bytes(10, std::string(kDefaultFrameLimit, 'x')),
                 [&longer](Result<Bytes> answer) { longer.set_value(std::move(answer)); });
    EXPECT_EQ(longer.get_future().get().error().code, Errc::kLimitExceeded);
}

TEST_F(ClientTest, AServerThatSpeaksNonsenseIsLeftAndTheCallFails) {
    for (const Bytes& nonsense :
         {Bytes{0, 0, 0, 0}, Bytes{0xff, 0xff, 0xff, 0xff}, encode_frame(as_bytes("abc"))}) {
        const auto listener = ListeningSocket::open(path(), 0600);
        ASSERT_TRUE(listener);
        const auto client = Client::create(config());
        auto answer = call(*client, 1);
        UniqueFd accepted;
        ASSERT_TRUE(eventually([&] {
            accepted.reset(::accept4(listener->fd(), nullptr, nullptr, SOCK_CLOEXEC));
            return static_cast<bool>(accepted);
        }));
        RawPeer peer(std::move(accepted));
        ASSERT_TRUE(peer.send(nonsense));
        EXPECT_EQ(answer.get().error().code, Errc::kUnavailable);
    }
}

TEST_F(ClientTest, AServerThatNeverReadsCostsBoundedMemory) {
    const auto listener = ListeningSocket::open(path(), 0600);
    ASSERT_TRUE(listener);
    ClientConfig small = config();
    small.backlog_limit = std::size_t{1} << 20;
    small.deadline = std::chrono::milliseconds(500);
    const auto client = Client::create(small);
    std::vector<std::future<Result<Bytes>>> answers;
    for (int i = 0; i < 100; ++i)
        answers.push_back(call(*client, client->next_id(), std::string(50'000, 'x')));
    std::size_t refused = 0;
    for (auto& answer : answers) {
        const auto result = answer.get();
        ASSERT_FALSE(result);
        if (result.error().code == Errc::kUnavailable) ++refused;
    }
    EXPECT_GT(refused, 50U);
}

TEST_F(ClientTest, EveryCallIsAnsweredOnceWhileTheServerComesAndGoes) {
    ClientConfig restless = config();
    restless.reconnect_pause = std::chrono::milliseconds(1);
    const auto client = Client::create(restless);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> answers{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) {
        callers.emplace_back([&] {
            while (!stop) {
                if (calls - answers > 500) {
                    std::this_thread::yield();
                    continue;
                }
                ++calls;
                const std::uint64_t id = client->next_id();
                client->call(id, request_bytes(id), [&answers, id](const Result<Bytes>& answer) {
                    EXPECT_TRUE(!answer || message_id(*answer) == id);
                    ++answers;
                });
            }
        });
    }
    for (int life = 0; life < 20; ++life) {
        const auto server = start_echo();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    stop = true;
    for (std::thread& caller : callers) caller.join();
    EXPECT_TRUE(eventually([&] { return calls == answers; })) << calls << " calls, " << answers << " answers";
}

TEST_F(ClientTest, CallOnceAsksAndAnswers) {
    const auto server = start_echo();
    EXPECT_EQ(*call_once(path(), request_bytes(3), testing::kPatience), request_bytes(3));
    EXPECT_EQ(call_once(path(), as_bytes("no request"), testing::kPatience).error().code,
              Errc::kInvalidArgument);
}

TEST_F(ClientTest, CallOnceSaysThatNothingListens) {
    const auto answer = call_once(path(), request_bytes(3), testing::kPatience);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
    EXPECT_EQ(answer.error().native, ENOENT);
}

TEST_F(ClientTest, CallOnceGivesUpAtItsDeadline) {
    const auto server = start_silent();
    const auto answer = call_once(path(), request_bytes(3), std::chrono::milliseconds(30));
    EXPECT_EQ(answer.error().code, Errc::kInternal);
}

TEST_F(ClientTest, CallOnceRefusesAnAnswerToAnotherRequest) {
    const auto server = start([](const Peer&, const Bytes&, const Reply& reply) { reply(request_bytes(4)); });
    EXPECT_EQ(call_once(path(), request_bytes(3), testing::kPatience).error().code, Errc::kCorrupt);
}

// How fast: prints the rate; fails only when it is out of all proportion (busy machines, sanitizers).
void measure(const std::string& what, Client& client) {
    constexpr std::uint64_t kCalls = 60'000;
    constexpr std::uint64_t kWindow = 256;
    std::atomic<std::uint64_t> done{0};
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < kCalls; ++i) {
        while (i - done >= kWindow) std::this_thread::yield();
        const std::uint64_t id = client.next_id();
        client.call(id, request_bytes(id, std::string(200, 'x')), [&done](const Result<Bytes>& answer) {
            EXPECT_TRUE(answer);
            ++done;
        });
    }
    ASSERT_TRUE(eventually([&] { return done == kCalls; }));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const double rate = static_cast<double>(kCalls) / took.count();
    std::printf("%s: %.0f round trips/s\n", what.c_str(), rate);
    ::testing::Test::RecordProperty(what, std::to_string(rate));
    EXPECT_GT(rate, 1'000);
}

TEST_F(ClientTest, PipelinedRoundTripsAnsweredOnThePollingThread) {
    const auto server = start_echo();
    const auto client = Client::create(config());
    measure("inline", *client);
}

TEST_F(ClientTest, PipelinedRoundTripsAnsweredByWorkers) {
    WorkerPool pool(4, 100'000);
    const auto server = start([&pool](const Peer&, Bytes payload, Reply reply) {
        ASSERT_TRUE(
            pool.submit([payload = std::move(payload), reply = std::move(reply)] { reply(payload); }));
    });
    const auto client = Client::create(config());
    measure("workers", *client);
}

}  // namespace
}  // namespace sigillo::ipc
