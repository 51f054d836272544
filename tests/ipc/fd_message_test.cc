#include "appliance/ipc/fd_message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <thread>

#include "appliance/ipc/sealed_memory.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::ipc {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSoon{2'000};
constexpr milliseconds kAtOnce{0};

class FdMessageTest : public ::testing::Test {
 protected:
    FdMessageTest() {
        auto pair = fd_message_pair();
        EXPECT_TRUE(pair);
        ours_ = std::move(pair->first);
        theirs_ = std::move(pair->second);
    }
    // How many descriptors this process has.
    static std::ptrdiff_t open_fds() {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    }
    static UniqueFd memory_with(std::string_view text) {
        auto fd = make_memory_file("test");
        EXPECT_TRUE(fd);
        EXPECT_EQ(::write(fd->get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
        return *std::move(fd);
    }
    // Sends `count` copies of a descriptor of our own, with raw calls and whatever control type is wanted.
    void send_raw(std::size_t count, int type = SCM_RIGHTS) {
        std::array<std::uint8_t, CMSG_SPACE(64 * sizeof(int))> control{};
        char byte = 'x';
        iovec bytes{&byte, 1};
        msghdr header{};
        header.msg_iov = &bytes;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        cmsghdr* part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = type;
        part->cmsg_len = CMSG_LEN(count * sizeof(int));
        for (std::size_t i = 0; i < count; ++i) {
            const int fd = ours_.get();
            std::memcpy(CMSG_DATA(part) + i * sizeof(int), &fd, sizeof fd);
        }
        ASSERT_GE(::sendmsg(ours_.get(), &header, 0), 0);
    }

    UniqueFd ours_;
    UniqueFd theirs_;
};

TEST_F(FdMessageTest, AMessageArrivesWholeWithItsDescriptors) {
    const UniqueFd first = memory_with("first");
    const UniqueFd second = memory_with("second");
    const std::array fds{first.get(), second.get()};
    ASSERT_TRUE(send_fd_message(ours_.get(), as_bytes("two of them"), fds, kSoon));
    ASSERT_TRUE(send_fd_message(ours_.get(), as_bytes("none"), {}, kSoon));
    const auto message = receive_fd_message(theirs_.get(), {}, kSoon);
    ASSERT_TRUE(message && *message);
    EXPECT_EQ(as_text((*message)->payload), "two of them");
    ASSERT_EQ((*message)->fds.size(), 2U);
    std::array<char, 16> read{};
    EXPECT_EQ(::pread((*message)->fds[1].get(), read.data(), read.size(), 0), 6);
    EXPECT_STREQ(read.data(), "second");
    EXPECT_NE(::fcntl((*message)->fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
    const auto next = receive_fd_message(theirs_.get(), {}, kSoon);
    ASSERT_TRUE(next && *next);
    EXPECT_EQ(as_text((*next)->payload), "none");
    EXPECT_TRUE((*next)->fds.empty());
}

TEST_F(FdMessageTest, AnEmptyMessageIsNotSent) {
    EXPECT_EQ(send_fd_message(ours_.get(), {}, {}, kSoon).error().code, Errc::kInvalidArgument);
}

TEST_F(FdMessageTest, ADescriptorThatIsNoneIsAnError) {
    const std::array fds{-1};
    const auto sent = send_fd_message(ours_.get(), as_bytes("x"), fds, kSoon);
    EXPECT_EQ(sent.error().native, EBADF);
}

TEST_F(FdMessageTest, ThePeersEndIsNothing) {
    ours_.reset();
    const auto message = receive_fd_message(theirs_.get(), {}, kSoon);
    ASSERT_TRUE(message);
    EXPECT_FALSE(*message);
    EXPECT_EQ(send_fd_message(theirs_.get(), as_bytes("x"), {}, kSoon).error().code, Errc::kUnavailable);
}

TEST_F(FdMessageTest, NobodyWaitsLongerThanItsPatience) {
    const auto nothing = receive_fd_message(theirs_.get(), {}, milliseconds(20));
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, Errc::kUnavailable);
    EXPECT_EQ(nothing.error().native, EAGAIN);
    Status sent;
    for (int i = 0; i < 10'000 && sent; ++i) sent = send_fd_message(ours_.get(), Bytes(1000), {}, kAtOnce);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().native, EAGAIN);
}

TEST_F(FdMessageTest, WhoWaitsIsWokenByTheMessageAndByTheEnd) {
    std::thread sender([this] {
        std::this_thread::sleep_for(milliseconds(30));
        EXPECT_TRUE(send_fd_message(ours_.get(), as_bytes("late"), {}, kSoon));
        std::this_thread::sleep_for(milliseconds(30));
        ours_.reset();
    });
    const auto message = receive_fd_message(theirs_.get(), {}, kSoon);
    EXPECT_TRUE(message && *message);
    const auto end = receive_fd_message(theirs_.get(), {}, kSoon);
    EXPECT_TRUE(end && !*end);
    sender.join();
}

TEST_F(FdMessageTest, MoreBytesThanAgreedAreRefusedAndTheirDescriptorsClosed) {
    const auto before = open_fds();
    const std::array fds{ours_.get()};
    ASSERT_TRUE(send_fd_message(ours_.get(), Bytes(101), fds, kSoon));
    EXPECT_EQ(receive_fd_message(theirs_.get(), {100, 1}, kSoon).error().code, Errc::kLimitExceeded);
    ASSERT_TRUE(send_fd_message(ours_.get(), Bytes(100), fds, kSoon));
    EXPECT_TRUE(receive_fd_message(theirs_.get(), {100, 1}, kSoon));
    EXPECT_EQ(open_fds(), before);
}

TEST_F(FdMessageTest, MoreDescriptorsThanAgreedAreRefusedAndClosed) {
    const auto before = open_fds();
    for (const std::size_t count : {2UL, 3UL, 60UL}) {
        send_raw(count);
        const auto message = receive_fd_message(theirs_.get(), {100, 1}, kSoon);
        ASSERT_FALSE(message) << count;
        EXPECT_EQ(message.error().code, Errc::kLimitExceeded);
    }
    send_raw(1);
    EXPECT_EQ(receive_fd_message(theirs_.get(), {100, 0}, kSoon).error().code, Errc::kLimitExceeded);
    EXPECT_EQ(open_fds(), before);
}

TEST_F(FdMessageTest, ControlDataOfAnotherKindIsRefused) {
    const int on = 1;
    ASSERT_EQ(::setsockopt(theirs_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    ASSERT_TRUE(send_fd_message(ours_.get(), as_bytes("x"), {}, kSoon));
    EXPECT_EQ(receive_fd_message(theirs_.get(), {}, kSoon).error().code, Errc::kInvalidArgument);
}

TEST_F(FdMessageTest, AMessageBeyondTheSocketsBufferIsRefusedAtOnce) {
    const auto sent = send_fd_message(ours_.get(), Bytes(std::size_t{8} << 20), {}, kSoon);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, Errc::kLimitExceeded);
}

TEST_F(FdMessageTest, APacketSocketInTheFileSystemNamesItsPeer) {
    const testing::ScratchDirectory scratch;
    const std::string path = (scratch / "p.sock").string();
    const auto listener = ListeningSocket::open(path, 0600, SocketKind::kPackets);
    ASSERT_TRUE(listener);
    const auto client = connect_unix(path, SocketKind::kPackets);
    ASSERT_TRUE(client);
    const UniqueFd server(::accept4(listener->fd(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(server);
    EXPECT_EQ(peer_of(server.get())->pid, ::getpid());
    EXPECT_EQ(peer_of(server.get())->uid, ::geteuid());
    EXPECT_FALSE(connect_unix(path, SocketKind::kStream));
    // A live socket of the other kind is not taken for a leftover.
    const auto second = ListeningSocket::open(path, 0600, SocketKind::kStream);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().detail.find("socket of another kind"), std::string::npos);
}

TEST(SealedMemoryTest, SealedMemoryTellsItsSizeAndCannotBeChanged) {
    const auto fd = make_memory_file("test");
    ASSERT_TRUE(fd);
    ASSERT_EQ(::write(fd->get(), "12345", 5), 5);
    EXPECT_EQ(sealed_size(fd->get()).error().code, Errc::kInvalidArgument);
    ASSERT_TRUE(seal_memory(fd->get()));
    EXPECT_EQ(*sealed_size(fd->get()), 5U);
    EXPECT_EQ(::pwrite(fd->get(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_NE(::ftruncate(fd->get(), 4), 0);
    EXPECT_NE(::ftruncate(fd->get(), 6), 0);
    EXPECT_EQ(::mmap(nullptr, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0), MAP_FAILED);
}

TEST(SealedMemoryTest, AWritableMappingPreventsTheSeal) {
    const auto fd = make_memory_file("test");
    ASSERT_TRUE(fd);
    ASSERT_EQ(::ftruncate(fd->get(), 4096), 0);
    void* mapping = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd->get(), 0);
    ASSERT_NE(mapping, MAP_FAILED);
    EXPECT_EQ(seal_memory(fd->get()).error().native, EBUSY);
    ::munmap(mapping, 4096);
    EXPECT_TRUE(seal_memory(fd->get()));
}

TEST(SealedMemoryTest, AnyMissingSealAndAnyOtherFileIsRefused) {
    const std::array<int, 4> seals{F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE};
    for (const int missing : seals) {
        const auto fd = make_memory_file("test");
        ASSERT_TRUE(fd);
        int others = 0;
        for (const int seal : seals)
            if (seal != missing) others |= seal;
        ASSERT_EQ(::fcntl(fd->get(), F_ADD_SEALS, others), 0);
        EXPECT_EQ(sealed_size(fd->get()).error().code, Errc::kInvalidArgument) << missing;
    }
    const testing::ScratchDirectory scratch;
    const UniqueFd file(::open((scratch / "file").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    EXPECT_EQ(sealed_size(file.get()).error().code, Errc::kInvalidArgument);
    const UniqueFd directory(::open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    EXPECT_EQ(sealed_size(directory.get()).error().code, Errc::kInvalidArgument);
    const UniqueFd shared(::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (shared) {
        EXPECT_EQ(sealed_size(shared.get()).error().code, Errc::kInvalidArgument);
    }
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    const UniqueFd from(pipe[0]);
    const UniqueFd to(pipe[1]);
    EXPECT_EQ(sealed_size(from.get()).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace sigillo::ipc
