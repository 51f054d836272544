#include "appliance/ipc/fd_message.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace sigillo::ipc {
namespace {

using Time = std::chrono::steady_clock;

constexpr std::size_t kMostFds = 253;  // SCM_MAX_FD

// Waits until the socket may be ready; false when the time is over. A broken connection counts as ready: the
// call that follows says what is wrong.
Result<bool> wait_for(int socket, short events, Time::time_point until) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Time::now());
        if (left.count() <= 0) return false;
        pollfd polled{socket, events, 0};
        const int ready = ::poll(&polled, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return std::unexpected(errno_error(errno, "poll"));
    }
}

std::unexpected<Error> broken(const std::string& what, int number) {
    return fail(Errc::kUnavailable, what + ": " + std::generic_category().message(number), {}, number);
}
std::unexpected<Error> in_no_time(const char* what) {
    return fail(Errc::kUnavailable, what, {}, EAGAIN);
}

// The descriptors of a received message, owned whatever is wrong with the rest.
Status take_fds(msghdr& header, std::vector<UniqueFd>& fds) {
    bool strange = false;
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
            strange = true;
            continue;
        }
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
            fds.emplace_back(fd);
        }
    }
    if (strange) return fail(Errc::kInvalidArgument, "control data other than descriptors in a message");
    return {};
}

}  // namespace

Status send_fd_message(int socket, ByteView payload, std::span<const int> fds,
                       std::chrono::milliseconds patience) {
    if (payload.empty()) return fail(Errc::kInvalidArgument, "an empty message would look like the end");
    if (fds.size() > kMostFds)
        return fail(Errc::kInvalidArgument, "a message takes at most 253 descriptors", {}, EINVAL);
    iovec bytes{const_cast<std::uint8_t*>(payload.data()), payload.size()};
    msghdr header{};
    header.msg_iov = &bytes;
    header.msg_iovlen = 1;
    std::vector<std::uint8_t> control;  // from operator new, so aligned for a cmsghdr
    if (!fds.empty()) {
        control.resize(CMSG_SPACE(fds.size_bytes()));
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(part), fds.data(), fds.size_bytes());
    }
    const auto until = Time::now() + patience;
    for (;;) {
        if (::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
        if (errno == EINTR) continue;
        if (errno == EMSGSIZE)
            return fail(
                Errc::kLimitExceeded,
                "a message of " + std::to_string(payload.size()) + " bytes is more than the socket takes", {},
                EMSGSIZE);
        if (errno != EAGAIN && errno != EWOULDBLOCK) return broken("send", errno);
        SIGILLO_ASSIGN(const bool ready, wait_for(socket, POLLOUT, until));
        if (!ready) return in_no_time("the peer takes no message");
    }
}

Result<std::optional<FdMessage>> receive_fd_message(int socket, const FdMessageLimits& limits,
                                                    std::chrono::milliseconds patience) {
    FdMessage message;
    message.payload.resize(std::max<std::size_t>(limits.payload, 1));
    std::vector<std::uint8_t> control(CMSG_SPACE(limits.fds * sizeof(int)));
    const auto until = Time::now() + patience;
    for (;;) {
        iovec bytes{message.payload.data(), message.payload.size()};
        msghdr header{};
        header.msg_iov = &bytes;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        const auto got = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno == ECONNRESET) return std::optional<FdMessage>();
            if (errno != EAGAIN && errno != EWOULDBLOCK) return broken("receive", errno);
            SIGILLO_ASSIGN(const bool ready, wait_for(socket, POLLIN, until));
            if (!ready) return in_no_time("no message came");
            continue;
        }
        SIGILLO_TRY(take_fds(header, message.fds));
        if ((header.msg_flags & MSG_TRUNC) != 0)
            return fail(Errc::kLimitExceeded,
                        "a message of more than " + std::to_string(limits.payload) + " bytes", {}, EMSGSIZE);
        // The kernel aligns the room for descriptors, so that one too many may fit.
        if ((header.msg_flags & MSG_CTRUNC) != 0 || message.fds.size() > limits.fds)
            return fail(Errc::kLimitExceeded,
                        "a message with more than " + std::to_string(limits.fds) + " descriptors", {},
                        EMSGSIZE);
        if (got == 0) {
            if (!message.fds.empty()) return fail(Errc::kInvalidArgument, "descriptors without a message");
            return std::optional<FdMessage>();
        }
        message.payload.resize(static_cast<std::size_t>(got));
        return std::optional(std::move(message));
    }
}

Result<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return std::unexpected(errno_error(errno, "ask who the peer is"));
    return Peer{credentials.uid, credentials.gid, credentials.pid};
}

Result<std::pair<UniqueFd, UniqueFd>> fd_message_pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        return std::unexpected(errno_error(errno, "socketpair"));
    return std::pair(UniqueFd(fds[0]), UniqueFd(fds[1]));
}

}  // namespace sigillo::ipc
