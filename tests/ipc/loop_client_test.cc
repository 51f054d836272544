// A client that an event loop drives: what is asked and answered on the loop's thread stays there.
#include "appliance/ipc/loop_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "appliance/ipc/server.h"
#include "tests/ipc/raw_peer.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::ipc {
namespace {

using testing::eventually;
using testing::request_bytes;

class LoopClientTest : public ::testing::Test {
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
    // One round of a loop, as a reactor has it.
    static bool round(LoopClient& client, int patience_ms = 10'000) {
        pollfd polled{client.fd(), POLLIN, 0};
        const bool ready = ::poll(&polled, 1, patience_ms) > 0;
        if (ready) client.turn();
        client.flush();
        return ready;
    }

    testing::ScratchDirectory scratch_;
    UniqueFd log_{::open((scratch_ / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)};
    Logger logger_{"test", log_.get()};
};

TEST_F(LoopClientTest, AnswersComeOnTheLoopsThreadWithinTurn) {
    const auto server = start_echo();
    LoopClient client(config());
    ASSERT_TRUE(client.connected());
    client.flush();
    EXPECT_TRUE(client.on_loop());
    int answers = 0;
    for (std::uint64_t i = 0; i < 100; ++i) {
        const std::uint64_t id = client.next_id();
        client.call(id, request_bytes(id), [&answers, id](const Result<Bytes>& answer) {
            EXPECT_EQ(*answer, request_bytes(id));
            ++answers;
        });
    }
    EXPECT_EQ(answers, 0);
    client.flush();
    while (answers < 100) ASSERT_TRUE(round(client));
}

TEST_F(LoopClientTest, WhatIsAskedInARoundLeavesAtItsEnd) {
    std::atomic<int> arrived{0};
    const auto server = start([&](const Peer&, Bytes payload, const Reply& reply) {
        ++arrived;
        reply(payload);
    });
    LoopClient client(config());
    client.flush();
    int answers = 0;
    for (std::uint64_t id = 1; id <= 3; ++id)
        client.call(id, request_bytes(id), [&answers](const Result<Bytes>&) { ++answers; });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(arrived, 0);
    client.flush();
    EXPECT_TRUE(eventually([&] { return arrived == 3; }));
    while (answers < 3) ASSERT_TRUE(round(client));
}

TEST_F(LoopClientTest, WhatAnotherThreadAsksLeavesAtOnceAndIsAnsweredOnTheLoop) {
    const auto server = start_echo();
    LoopClient client(config());
    client.flush();
    const auto loop = std::this_thread::get_id();
    std::atomic<bool> answered{false};
    std::thread other([&] {
        EXPECT_FALSE(client.on_loop());
        client.call(7, request_bytes(7), [&](const Result<Bytes>& answer) {
            EXPECT_EQ(*answer, request_bytes(7));
            EXPECT_EQ(std::this_thread::get_id(), loop);
            answered = true;
        });
    });
    other.join();
    while (!answered) ASSERT_TRUE(round(client));
}

TEST_F(LoopClientTest, ACallbackMayAskAgain) {
    const auto server = start_echo();
    LoopClient client(config());
    client.flush();
    int answers = 0;
    std::function<void()> ask = [&] {
        const std::uint64_t id = client.next_id();
        client.call(id, request_bytes(id), [&](const Result<Bytes>& answer) {
            EXPECT_TRUE(answer);
            if (++answers < 10) ask();
        });
    };
    ask();
    client.flush();
    while (answers < 10) ASSERT_TRUE(round(client));
}

TEST_F(LoopClientTest, RefusalsWakeTheLoop) {
    LoopClient client(config());
    EXPECT_FALSE(client.connected());
    client.flush();
    bool refused = false;
    client.call(1, request_bytes(1), [&](const Result<Bytes>& answer) {
        EXPECT_EQ(answer.error().code, Errc::kUnavailable);
        refused = true;
    });
    EXPECT_FALSE(refused);  // never from within call()
    while (!refused) ASSERT_TRUE(round(client));
}

TEST_F(LoopClientTest, FindsItsServerAgain) {
    LoopClient client(config());
    for (int life = 0; life < 3; ++life) {
        while (client.connected()) ASSERT_TRUE(round(client));
        const auto server = start_echo();
        while (!client.connected()) ASSERT_TRUE(round(client));
        bool answered = false;
        client.call(1, request_bytes(1), [&](const Result<Bytes>& answer) { answered = answer.has_value(); });
        client.flush();
        while (!answered) ASSERT_TRUE(round(client));
    }
    while (client.connected()) ASSERT_TRUE(round(client));
}

TEST_F(LoopClientTest, ADeadlinePassesWhileNothingHappens) {
    std::vector<Reply> kept;  // never answered, and not dropped either
    const auto server =
        start([&kept](const Peer&, const Bytes&, const Reply& reply) { kept.push_back(reply); });
    ClientConfig hasty = config();
    hasty.deadline = std::chrono::milliseconds(40);
    LoopClient client(hasty);
    bool expired = false;
    client.call(1, request_bytes(1), [&](const Result<Bytes>& answer) {
        EXPECT_EQ(answer.error().code, Errc::kInternal);
        expired = true;
    });
    client.flush();
    const auto begin = std::chrono::steady_clock::now();
    while (!expired) ASSERT_TRUE(round(client));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(40));
}

TEST_F(LoopClientTest, ALargeRequestLeavesAsTheServerReadsIt) {
    const auto server = start_echo();
    LoopClient client(config());
    client.flush();
    const std::string text(std::size_t{2} << 20, 'x');  // more than a socket takes at once
    bool answered = false;
    client.call(1, request_bytes(1, text), [&](const Result<Bytes>& answer) {
        EXPECT_EQ(*answer, request_bytes(1, text));
        answered = true;
    });
    client.flush();
    while (!answered) ASSERT_TRUE(round(client));
}

TEST_F(LoopClientTest, WhatIsInFlightAtItsEndFailsAsUnavailable) {
    const auto server = start_echo();
    bool failed = false;
    {
        LoopClient client(config());
        client.flush();
        client.call(1, request_bytes(1), [&](const Result<Bytes>& answer) {
            EXPECT_EQ(answer.error().code, Errc::kUnavailable);
            failed = true;
        });
    }
    EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace sigillo::ipc
