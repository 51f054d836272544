#include "appliance/ipc/fd_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "appliance/ipc/sealed_memory.h"
#include "tests/ipc/raw_peer.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::ipc {
namespace {

using testing::eventually;
constexpr std::chrono::milliseconds kSoon{5'000};

class FdServerTest : public ::testing::Test {
 protected:
    FdServerConfig config() const {
        FdServerConfig config;
        config.path = path();
        return config;
    }
    std::string path() const { return (scratch_ / "d.sock").string(); }
    // Answers with what was sent, and the number of descriptors.
    std::unique_ptr<FdServer> start(FdServerConfig config) {
        auto server = FdServer::start(
            std::move(config),
            [this](const Peer& peer, FdMessage message) {
                EXPECT_EQ(peer.pid, ::getpid());
                ++handled_;
                Bytes answer = std::move(message.payload);
                answer.push_back(static_cast<std::uint8_t>('0' + message.fds.size()));
                return as_text(answer) == "end0" ? Bytes() : answer;
            },
            logger_);
        EXPECT_TRUE(server) << to_string(server.error());
        return server ? *std::move(server) : nullptr;
    }
    UniqueFd connect() const { return *connect_unix(path(), SocketKind::kPackets); }
    static std::string ask(const UniqueFd& peer, std::string_view text, std::span<const int> fds = {}) {
        if (!send_fd_message(peer.get(), as_bytes(text), fds, kSoon)) return "not sent";
        const auto answer = receive_fd_message(peer.get(), {}, kSoon);
        return !answer ? "error" : !*answer ? "closed" : std::string(as_text((*answer)->payload));
    }

    testing::ScratchDirectory scratch_;
    UniqueFd log_{::open((scratch_ / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)};
    Logger logger_{"test", log_.get()};
    std::atomic<int> handled_{0};
};

TEST_F(FdServerTest, AnswersEachMessageOfEachPeer) {
    const auto server = start(config());
    const UniqueFd first = connect();
    const UniqueFd second = connect();
    const auto file = make_memory_file("test");
    const std::array fds{file->get()};
    EXPECT_EQ(ask(first, "a", fds), "a1");
    EXPECT_EQ(ask(second, "b"), "b0");
    EXPECT_EQ(ask(first, "c"), "c0");
}

TEST_F(FdServerTest, WhoSendsWhatItMayNotIsDroppedAndNobodyElse) {
    const auto server = start(config());
    const UniqueFd good = connect();
    const auto file = make_memory_file("test");
    const std::array two{file->get(), file->get()};
    EXPECT_EQ(ask(connect(), "two", two), "closed");
    EXPECT_EQ(ask(connect(), std::string(5'000, 'x')), "closed");
    EXPECT_EQ(ask(connect(), "end"), "closed");
    EXPECT_EQ(ask(good, "a"), "a0");
    EXPECT_EQ(handled_, 2);
}

TEST_F(FdServerTest, AUidThatIsNotAllowedIsRefusedBeforeAByteIsRead) {
    FdServerConfig strict = config();
    strict.allowed_uids = {::geteuid() + 1};
    const auto server = start(strict);
    EXPECT_NE(ask(connect(), "a"), "a0");
    EXPECT_EQ(handled_, 0);
    EXPECT_NE(as_text(*read_file(scratch_ / "log")).find("uid not allowed"), std::string_view::npos);
}

TEST_F(FdServerTest, ConnectionsBeyondTheLimitAreClosedUntilOneLeaves) {
    FdServerConfig small = config();
    small.connection_limit = 1;
    const auto server = start(small);
    UniqueFd first = connect();
    EXPECT_EQ(ask(first, "a"), "a0");
    EXPECT_NE(ask(connect(), "b"), "b0");
    first.reset();
    EXPECT_TRUE(eventually([this] { return ask(connect(), "c") == "c0"; }));
}

TEST_F(FdServerTest, APeerThatTakesNoAnswersIsDroppedAndHoldsUpNobody) {
    const auto server = start(config());
    const UniqueFd deaf = connect();
    const UniqueFd good = connect();
    const std::string large(4'000, 'x');
    Status sent;
    for (int i = 0; i < 10'000 && sent; ++i)
        sent = send_fd_message(deaf.get(), as_bytes(large), {}, std::chrono::milliseconds(100));
    EXPECT_FALSE(sent);
    EXPECT_EQ(ask(good, "a"), "a0");
}

TEST_F(FdServerTest, EndsWithItsPeersStillThere) {
    auto server = start(config());
    const UniqueFd peer = connect();
    EXPECT_EQ(ask(peer, "a"), "a0");
    server.reset();
    const auto end = receive_fd_message(peer.get(), {}, kSoon);
    EXPECT_TRUE(end && !*end);
    EXPECT_FALSE(connect_unix(path(), SocketKind::kPackets));
}

}  // namespace
}  // namespace sigillo::ipc
