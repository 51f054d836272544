#include "api/http/listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace sigillo::api {
namespace {

using std::chrono::steady_clock;
constexpr int kBacklog =
    1024;  // connections that wait while the thread is elsewhere; the kernel's bound is lower
constexpr int kTickMs = 1000;
constexpr int kPauseMs = 100;  // after EMFILE and its like: accept() would fail again at once

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return fail(Errc::kInvalidArgument, "a unix socket's path has 1 to 107 bytes: " + path, "socket");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

bool somebody_listens(const sockaddr_un& address) {
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return probe && ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

UnixListener::UnixListener(std::string path, UniqueFd socket, UniqueFd wake, Logger& logger)
    : path_(std::move(path)), socket_(std::move(socket)), wake_(std::move(wake)), logger_(logger) {}

UnixListener::~UnixListener() {
    stop();
}

Result<std::unique_ptr<UnixListener>> UnixListener::bind(const std::string& path, unsigned mode,
                                                         Logger& logger) {
    SIGILLO_ASSIGN(const sockaddr_un address, address_of(path));
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return std::unexpected(errno_error(errno, "socket"));
    struct stat info{};
    if (::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
        if (somebody_listens(address))
            return fail(Errc::kUnavailable, path + ": another process listens there");
        ::unlink(path.c_str());
    }
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return std::unexpected(errno_error(errno, "bind " + path));
    // connect() needs listen(), so nobody slips in between bind and chmod.
    if (::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0)
        return std::unexpected(errno_error(errno, "chmod " + path));
    if (::listen(socket.get(), kBacklog) != 0) return std::unexpected(errno_error(errno, "listen " + path));
    UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return std::unexpected(errno_error(errno, "eventfd"));
    return std::unique_ptr<UnixListener>(new UnixListener(path, std::move(socket), std::move(wake), logger));
}

void UnixListener::run(Accepted accepted, Tick tick) {
    thread_ =
        std::thread([this, accepted = std::move(accepted), tick = std::move(tick)] { loop(accepted, tick); });
}

void UnixListener::stop() {
    if (!socket_) return;
    const std::uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) < 0) logger_.error("listener_wake_failed", {{"errno", errno}});
    if (thread_.joinable()) thread_.join();
    socket_.reset();
    ::unlink(path_.c_str());
}

void UnixListener::loop(const Accepted& accepted, const Tick& tick) {
    auto next_tick = steady_clock::now() + std::chrono::milliseconds(kTickMs);
    bool paused = false;
    for (;;) {
        pollfd fds[2] = {{wake_.get(), POLLIN, 0}, {paused ? -1 : socket_.get(), POLLIN, 0}};
        const int ready = ::poll(fds, 2, paused ? kPauseMs : kTickMs);
        if (fds[0].revents != 0) return;
        paused = false;
        if (ready > 0 && fds[1].revents != 0) {
            const int fd = ::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd >= 0) {
                accepted(UniqueFd(fd));
            } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                // EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection stays in the backlog and
                // poll() would return at once.
                if (accept_failures_++ % 100 == 0) logger_.error("accept_failed", {{"errno", errno}});
                paused = true;
            }
        }
        if (const auto now = steady_clock::now(); now >= next_tick) {
            tick();
            next_tick = now + std::chrono::milliseconds(kTickMs);
        }
    }
}

}  // namespace sigillo::api
