#include "appliance/ipc/server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <fstream>
#include <mutex>

#include "appliance/base/file.h"
#include "tests/ipc/raw_peer.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::ipc {
namespace {

using testing::eventually;
using testing::RawPeer;
using testing::request_bytes;

class ServerTest : public ::testing::Test {
 protected:
    ServerConfig config() const {
        ServerConfig config;
        config.path = path();
        return config;
    }
    std::string path() const { return (scratch_ / "s.sock").string(); }

    std::unique_ptr<Server> start(ServerConfig config, Handler handler) {
        auto server = Server::start(std::move(config), std::move(handler), logger_);
        EXPECT_TRUE(server) << to_string(server.error());
        return server ? *std::move(server) : nullptr;
    }
    std::unique_ptr<Server> start_echo(ServerConfig config) {
        return start(std::move(config),
                     [](const Peer&, Bytes payload, const Reply& reply) { reply(payload); });
    }
    // Keeps every request until the test answers it.
    std::unique_ptr<Server> start_keeping(ServerConfig config) {
        return start(std::move(config), [this](const Peer&, Bytes payload, Reply reply) {
            const std::lock_guard lock(mutex_);
            kept_.emplace_back(std::move(payload), std::move(reply));
        });
    }
    std::size_t kept() {
        const std::lock_guard lock(mutex_);
        return kept_.size();
    }
    std::pair<Bytes, Reply> take() {
        const std::lock_guard lock(mutex_);
        auto first = std::move(kept_.front());
        kept_.pop_front();
        return first;
    }

    testing::ScratchDirectory scratch_;
    UniqueFd log_{::open((scratch_ / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)};
    Logger logger_{"test", log_.get()};
    std::mutex mutex_;
    std::deque<std::pair<Bytes, Reply>> kept_;
};

TEST_F(ServerTest, AnswersARequestAndNamesThePeer) {
    Peer seen;
    const auto server = start(config(), [&seen](const Peer& peer, Bytes payload, const Reply& reply) {
        seen = peer;
        reply(payload);
    });
    RawPeer peer(path());
    ASSERT_TRUE(peer.send_frame(request_bytes(7)));
    EXPECT_EQ(peer.receive_frame(), request_bytes(7));
    EXPECT_EQ(seen.uid, ::geteuid());
    EXPECT_EQ(seen.pid, ::getpid());
}

TEST_F(ServerTest, AnswersComeInTheOrderInWhichTheyAreGiven) {
    const auto server = start_keeping(config());
    RawPeer peer(path());
    for (std::uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(peer.send_frame(request_bytes(id)));
    ASSERT_TRUE(eventually([this] { return kept() == 3; }));
    EXPECT_EQ(server->in_flight(), 3U);
    auto first = take();
    auto second = take();
    second.second(second.first);
    first.second(first.first);
    EXPECT_EQ(message_id(*peer.receive_frame()), 2U);
    EXPECT_EQ(message_id(*peer.receive_frame()), 1U);
    EXPECT_EQ(server->in_flight(), 1U);
}

TEST_F(ServerTest, ASecondAnswerToARequestIsIgnored) {
    const auto server = start_keeping(config());
    RawPeer peer(path());
    ASSERT_TRUE(peer.send_frame(request_bytes(1)));
    ASSERT_TRUE(eventually([this] { return kept() == 1; }));
    auto [payload, reply] = take();
    reply(payload);
    reply(payload);
    ASSERT_TRUE(peer.send_frame(request_bytes(2)));
    ASSERT_TRUE(eventually([this] { return kept() == 1; }));
    auto next = take();
    next.second(next.first);
    EXPECT_EQ(message_id(*peer.receive_frame()), 1U);
    EXPECT_EQ(message_id(*peer.receive_frame()), 2U);
    EXPECT_EQ(server->in_flight(), 0U);
}

TEST_F(ServerTest, ARequestWhoseReplyIsDroppedIsAnsweredWithAnError) {
    const auto server = start(config(), [](const Peer&, const Bytes&, const Reply&) {});
    RawPeer peer(path());
    ASSERT_TRUE(peer.send_frame(request_bytes(9)));
    sam::SigningResponse response;
    ASSERT_TRUE(response.ParseFromString(std::string(as_text(*peer.receive_frame()))));
    EXPECT_EQ(response.id(), 9U);
    EXPECT_EQ(response.error().code(), static_cast<std::uint32_t>(Errc::kInternal));
    EXPECT_EQ(server->in_flight(), 0U);
}

TEST_F(ServerTest, AnAnswerLongerThanAFrameBecomesAnErrorAndTheConnectionLives) {
    const auto server = start(config(), [](const Peer&, const Bytes& payload, const Reply& reply) {
        reply(message_id(payload) == 1U ? Bytes(kDefaultFrameLimit + 1) : payload);
    });
    RawPeer peer(path());
    ASSERT_TRUE(peer.send_frame(request_bytes(1)));
    sam::SigningResponse response;
    ASSERT_TRUE(response.ParseFromString(std::string(as_text(*peer.receive_frame()))));
    EXPECT_EQ(response.error().code(), static_cast<std::uint32_t>(Errc::kLimitExceeded));
    ASSERT_TRUE(peer.send_frame(request_bytes(2)));
    EXPECT_EQ(message_id(*peer.receive_frame()), 2U);
}

TEST_F(ServerTest, HostileFramesEndTheirConnectionAndNoOther) {
    const auto server = start_echo(config());
    RawPeer good(path());
    for (const Bytes& bytes : {Bytes{0, 0, 0, 0}, Bytes{0xff, 0xff, 0xff, 0xff}, Bytes{0, 0x10, 0, 1},
                               encode_frame(as_bytes("no id")), encode_frame(Bytes{0x08, 0x00})}) {
        RawPeer bad(path());
        ASSERT_TRUE(bad.send(bytes));
        EXPECT_TRUE(bad.closed_by_peer());
    }
    ASSERT_TRUE(good.send_frame(request_bytes(1)));
    EXPECT_EQ(message_id(*good.receive_frame()), 1U);
}

TEST_F(ServerTest, AFrameThatDribblesInIsServedAndHoldsUpNobody) {
    const auto server = start_echo(config());
    RawPeer slow(path());
    RawPeer fast(path());
    std::uint64_t id = 0;
    for (const std::uint8_t byte : encode_frame(request_bytes(99))) {
        ASSERT_TRUE(slow.send({&byte, 1}));
        ASSERT_TRUE(fast.send_frame(request_bytes(++id)));
        EXPECT_EQ(message_id(*fast.receive_frame()), id);
    }
    EXPECT_EQ(message_id(*slow.receive_frame()), 99U);
}

TEST_F(ServerTest, AFrameOfOneMebibytePasses) {
    const auto server = start_echo(config());
    RawPeer peer(path());
    const Bytes large = request_bytes(1, std::string(kDefaultFrameLimit - 32, 'x'));
    std::thread sender([&] { EXPECT_TRUE(peer.send_frame(large)); });
    EXPECT_EQ(peer.receive_frame(), large);
    sender.join();
}

TEST_F(ServerTest, AUidThatIsNotAllowedIsRefusedBeforeAByteIsRead) {
    ServerConfig strict = config();
    strict.allowed_uids = {::geteuid() + 1};
    std::atomic<int> handled{0};
    const auto server = start(strict, [&handled](const Peer&, const Bytes&, const Reply&) { ++handled; });
    RawPeer peer(path());
    peer.send_frame(request_bytes(1));
    EXPECT_TRUE(peer.closed_by_peer());
    EXPECT_EQ(handled, 0);
    EXPECT_NE(as_text(*read_file(scratch_ / "log")).find("uid not allowed"), std::string_view::npos);
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitAreClosedUntilOneLeaves) {
    ServerConfig small = config();
    small.connection_limit = 1;
    const auto server = start_echo(small);
    RawPeer first(path());
    ASSERT_TRUE(first.send_frame(request_bytes(1)));
    ASSERT_TRUE(first.receive_frame());
    RawPeer second(path());
    EXPECT_TRUE(second.closed_by_peer());
    first.close();
    EXPECT_TRUE(eventually([this] {
        RawPeer third(path());
        return third.send_frame(request_bytes(1)) && third.receive_frame().has_value();
    }));
}

TEST_F(ServerTest, ReadingPausesAtTheLimitInFlightAndGoesOnLater) {
    ServerConfig small = config();
    small.in_flight_limit = 4;
    const auto server = start_keeping(small);
    RawPeer peer(path());
    for (std::uint64_t id = 1; id <= 20; ++id) ASSERT_TRUE(peer.send_frame(request_bytes(id)));
    ASSERT_TRUE(eventually([this] { return kept() == 4; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(kept(), 4U);
    EXPECT_EQ(server->in_flight(), 4U);
    for (std::uint64_t id = 1; id <= 20; ++id) {
        ASSERT_TRUE(eventually([this] { return kept() > 0; }));
        auto [payload, reply] = take();
        reply(payload);
        EXPECT_EQ(message_id(*peer.receive_frame()), id);
        EXPECT_LE(server->in_flight(), 4U);
    }
}

TEST_F(ServerTest, ReadingPausesWhenTheRequestsInFlightAreLarge) {
    ServerConfig small = config();
    small.in_flight_bytes = 4000;
    const auto server = start_keeping(small);
    RawPeer peer(path());
    for (std::uint64_t id = 1; id <= 6; ++id)
        ASSERT_TRUE(peer.send_frame(request_bytes(id, std::string(2500, 'x'))));
    ASSERT_TRUE(eventually([this] { return kept() == 2; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(kept(), 2U);
    for (std::uint64_t id = 1; id <= 6; ++id) {
        ASSERT_TRUE(eventually([this] { return kept() > 0; }));
        auto [payload, reply] = take();
        reply(payload);
        EXPECT_EQ(message_id(*peer.receive_frame()), id);
    }
}

TEST_F(ServerTest, APeerThatNeverReadsIsDroppedAtTheBacklogLimit) {
    ServerConfig small = config();
    small.backlog_limit = std::size_t{1} << 20;
    const auto server = start_echo(small);
    RawPeer deaf(path());
    RawPeer good(path());
    const Bytes large = request_bytes(1, std::string(100'000, 'x'));
    bool dropped = false;
    for (int i = 0; i < 1000 && !dropped; ++i) dropped = !deaf.send_frame(large);
    EXPECT_TRUE(dropped);
    ASSERT_TRUE(good.send_frame(request_bytes(2)));
    EXPECT_EQ(message_id(*good.receive_frame()), 2U);
    EXPECT_EQ(server->in_flight(), 0U);
    EXPECT_NE(as_text(*read_file(scratch_ / "log")).find("does not read"), std::string_view::npos);
}

TEST_F(ServerTest, APeerThatReadsLateGetsEverything) {
    const auto server = start_echo(config());
    RawPeer late(path());
    constexpr std::uint64_t kRequests = 40;
    for (std::uint64_t id = 1; id <= kRequests; ++id)
        ASSERT_TRUE(late.send_frame(request_bytes(id, std::string(100'000, 'x'))));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    for (std::uint64_t id = 1; id <= kRequests; ++id) EXPECT_EQ(message_id(*late.receive_frame()), id);
}

TEST_F(ServerTest, AnswersAfterAHangUpGoNowhereAndToNobodyElse) {
    const auto server = start_keeping(config());
    {
        RawPeer gone(path());
        for (std::uint64_t id = 1; id <= 10; ++id) ASSERT_TRUE(gone.send_frame(request_bytes(id)));
        ASSERT_TRUE(eventually([this] { return kept() == 10; }));
    }
    // New peers, which may well get the descriptor number of the one that left.
    RawPeer next(path());
    ASSERT_TRUE(next.send_frame(request_bytes(77)));
    ASSERT_TRUE(eventually([this] { return kept() == 11; }));
    for (int i = 0; i < 11; ++i) {
        auto [payload, reply] = take();
        reply(payload);
    }
    EXPECT_EQ(message_id(*next.receive_frame()), 77U);
    EXPECT_EQ(server->in_flight(), 0U);
}

TEST_F(ServerTest, AReplyMayOutliveTheServer) {
    auto server = start_keeping(config());
    RawPeer peer(path());
    ASSERT_TRUE(peer.send_frame(request_bytes(1)));
    ASSERT_TRUE(eventually([this] { return kept() == 1; }));
    server.reset();
    auto [payload, reply] = take();
    reply(payload);
    EXPECT_TRUE(peer.closed_by_peer());
}

TEST_F(ServerTest, DrainingRefusesNewPeersAnswersWhatIsInFlightAndThenHangsUp) {
    const auto server = start_keeping(config());
    RawPeer peer(path());
    RawPeer idle(path());
    ASSERT_TRUE(peer.send_frame(request_bytes(1)));
    ASSERT_TRUE(eventually([this] { return kept() == 1; }));
    server->drain();
    EXPECT_TRUE(idle.closed_by_peer());
    EXPECT_TRUE(eventually([this] { return !connect_unix(path()); }));
    ASSERT_TRUE(peer.send_frame(request_bytes(2)));
    auto [payload, reply] = take();
    reply(payload);
    EXPECT_EQ(message_id(*peer.receive_frame()), 1U);
    EXPECT_TRUE(peer.closed_by_peer());
    EXPECT_EQ(kept(), 0U);
    EXPECT_EQ(server->in_flight(), 0U);
}

TEST_F(ServerTest, TheLastAnswersLeaveBeforeTheServerEnds) {
    auto server = start_keeping(config());
    RawPeer peer(path());
    const Bytes large = request_bytes(1, std::string(900'000, 'x'));
    std::thread sender([&] { EXPECT_TRUE(peer.send_frame(large)); });
    ASSERT_TRUE(eventually([this] { return kept() == 1; }));
    sender.join();
    auto [payload, reply] = take();
    reply(payload);  // more than the socket takes at once
    std::thread ender([&server] { server.reset(); });
    EXPECT_EQ(peer.receive_frame(), large);
    ender.join();
}

TEST_F(ServerTest, TheSocketHasItsModeWhateverTheUmaskAndIsRemovedAtTheEnd) {
    const mode_t before = ::umask(077);
    auto server = start_echo(config());
    ::umask(before);
    struct stat info{};
    ASSERT_EQ(::stat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0660U);
    server.reset();
    EXPECT_NE(::stat(path().c_str(), &info), 0);
}

TEST_F(ServerTest, ADeadServersLeftoverIsReplaced) {
    {
        auto socket = ListeningSocket::open(path(), 0600);
        ASSERT_TRUE(socket);
        std::filesystem::create_hard_link(path(), scratch_ / "kept");  // what a killed server leaves behind
    }
    std::filesystem::rename(scratch_ / "kept", path());
    const auto server = start_echo(config());
    RawPeer peer(path());
    ASSERT_TRUE(peer.send_frame(request_bytes(1)));
    EXPECT_TRUE(peer.receive_frame());
}

TEST_F(ServerTest, ALiveServersSocketIsNot) {
    const auto server = start_echo(config());
    const auto second = Server::start(config(), [](const Peer&, const Bytes&, const Reply&) {}, logger_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kUnavailable);
    EXPECT_NE(second.error().detail.find("in use by a running server"), std::string::npos);
    RawPeer peer(path());
    ASSERT_TRUE(peer.send_frame(request_bytes(1)));
    EXPECT_TRUE(peer.receive_frame());
}

TEST_F(ServerTest, OfServersThatStartAtOnceOnALeftoverExactlyOneStarts) {
    for (int round = 0; round < 10; ++round) {
        {
            auto socket = ListeningSocket::open(path(), 0600);
            ASSERT_TRUE(socket);
            std::filesystem::create_hard_link(path(), scratch_ / "kept");
        }
        std::filesystem::rename(scratch_ / "kept", path());
        std::atomic<int> started{0};
        std::mutex mutex;
        std::vector<std::unique_ptr<Server>> servers;
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                auto server =
                    Server::start(config(), [](const Peer&, const Bytes&, const Reply&) {}, logger_);
                if (!server) return;
                ++started;
                const std::lock_guard lock(mutex);
                servers.push_back(*std::move(server));
            });
        }
        for (std::thread& thread : threads) thread.join();
        EXPECT_EQ(started, 1);
    }
}

TEST_F(ServerTest, AFileThatIsNoSocketIsLeftAlone) {
    std::ofstream(path()) << "precious";
    const auto server = Server::start(config(), [](const Peer&, const Bytes&, const Reply&) {}, logger_);
    ASSERT_FALSE(server);
    EXPECT_NE(server.error().detail.find("is not a socket"), std::string::npos);
    EXPECT_EQ(as_text(*read_file(path())), "precious");
}

TEST_F(ServerTest, APathLongerThanTheKernelTakesIsNamedWithTheLimit) {
    ServerConfig longer = config();
    longer.path = (scratch_ / std::string(120, 'x')).string();
    const auto server = Server::start(longer, [](const Peer&, const Bytes&, const Reply&) {}, logger_);
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, Errc::kUnavailable);
    EXPECT_NE(server.error().detail.find("at most 107"), std::string::npos);
}

TEST_F(ServerTest, ADirectoryThatIsMissingIsNamed) {
    ServerConfig lost = config();
    lost.path = (scratch_ / "absent" / "s.sock").string();
    const auto server = Server::start(lost, [](const Peer&, const Bytes&, const Reply&) {}, logger_);
    ASSERT_FALSE(server);
    EXPECT_NE(server.error().detail.find("absent"), std::string::npos);
}

}  // namespace
}  // namespace sigillo::ipc
