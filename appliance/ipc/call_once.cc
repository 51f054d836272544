#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "appliance/ipc/client.h"
#include "appliance/ipc/unix_socket.h"

namespace sigillo::ipc {
namespace {

using SteadyClock = std::chrono::steady_clock;

Status wait_for(int fd, short events, SteadyClock::time_point deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
        if (left <= 0) return fail(Errc::kInternal, "no answer within the deadline");
        pollfd polled{fd, events, 0};
        const int ready = ::poll(&polled, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return std::unexpected(errno_error(errno, "poll"));
    }
}

Status send_all(int fd, ByteView bytes, SteadyClock::time_point deadline) {
    while (!bytes.empty()) {
        const auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            SIGILLO_TRY(wait_for(fd, POLLOUT, deadline));
        } else if (errno != EINTR) {
            return fail(Errc::kUnavailable, "the peer closed the connection", {}, errno);
        }
    }
    return {};
}

Result<Bytes> receive_frame(int fd, std::size_t frame_limit, SteadyClock::time_point deadline) {
    FrameReader reader(frame_limit);
    std::array<std::uint8_t, std::size_t{64} << 10> chunk;
    for (;;) {
        SIGILLO_TRY(wait_for(fd, POLLIN, deadline));
        const auto got = ::recv(fd, chunk.data(), chunk.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) continue;
        if (got <= 0)
            return fail(Errc::kUnavailable, "the peer closed the connection before it answered", {},
                        got < 0 ? errno : ECONNRESET);
        reader.feed(ByteView(chunk.data(), static_cast<std::size_t>(got)));
        SIGILLO_ASSIGN(std::optional<Bytes> frame, reader.next());
        if (frame) return *std::move(frame);
    }
}

}  // namespace

Result<Bytes> call_once(const std::string& path, ByteView payload, std::chrono::milliseconds deadline,
                        std::size_t frame_limit) {
    const auto id = message_id(payload);
    if (!id) return fail(Errc::kInvalidArgument, "a request begins with its id");
    if (payload.size() > frame_limit)
        return fail(Errc::kLimitExceeded, "the request is longer than a frame may be");
    const auto until = SteadyClock::now() + deadline;
    SIGILLO_ASSIGN(const UniqueFd fd, connect_unix(path));
    SIGILLO_TRY(send_all(fd.get(), encode_frame(payload), until));
    SIGILLO_ASSIGN(Bytes answer, receive_frame(fd.get(), frame_limit, until));
    if (message_id(answer) != id) return fail(Errc::kCorrupt, "the answer belongs to another request");
    return answer;
}

}  // namespace sigillo::ipc
