#include "appliance/ipc/unix_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace sigillo::ipc {
namespace {

std::unexpected<Error> unavailable(int number, const std::string& what) {
    return fail(Errc::kUnavailable, what + ": " + std::generic_category().message(number), {}, number);
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    constexpr std::size_t kLongest = sizeof(address.sun_path) - 1;
    if (path.empty() || path.find('\0') != std::string::npos)
        return fail(Errc::kUnavailable, "a socket needs a path", {}, EINVAL);
    if (path.size() > kLongest)
        return fail(Errc::kUnavailable,
                    "socket path of " + std::to_string(path.size()) + " bytes, at most " +
                        std::to_string(kLongest) + ": choose a shorter directory than in " + path,
                    {}, ENAMETOOLONG);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Result<UniqueFd> new_socket(SocketKind kind) {
    const int type = kind == SocketKind::kStream ? SOCK_STREAM : SOCK_SEQPACKET;
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return unavailable(errno, "socket");
    return fd;
}

int connect_to(int fd, const sockaddr_un& address) {
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

int bind_to(int fd, const sockaddr_un& address) {
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

// The name is taken: frees it if what holds it is a socket on which nobody listens any more.
Status remove_leftover(const std::string& path, const sockaddr_un& address, SocketKind kind) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};  // gone in between
        return unavailable(errno, "look at " + path);
    }
    if (!S_ISSOCK(info.st_mode))
        return fail(Errc::kUnavailable,
                    path + " exists and is not a socket: remove it or choose another path", {}, EADDRINUSE);
    SIGILLO_ASSIGN(const UniqueFd probe, new_socket(kind));
    const int answer = connect_to(probe.get(), address);
    if (answer == 0 || answer == EAGAIN)  // EAGAIN: its queue is full, so it lives
        return fail(Errc::kUnavailable, path + " is in use by a running server: stop it first", {},
                    EADDRINUSE);
    // EPROTOTYPE: somebody listens there in another way.
    if (answer == EPROTOTYPE)
        return fail(Errc::kUnavailable,
                    path + " is a socket of another kind: remove it or choose another path", {}, EADDRINUSE);
    if (answer != ECONNREFUSED) return unavailable(answer, "ask who holds " + path);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return unavailable(errno, "remove leftover " + path);
    return {};
}

}  // namespace

Result<ListeningSocket> ListeningSocket::open(const std::string& path, unsigned mode, SocketKind kind) {
    SIGILLO_ASSIGN(const sockaddr_un address, address_of(path));
    std::string directory = std::filesystem::path(path).parent_path().string();
    if (directory.empty()) directory = ".";
    const UniqueFd lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock) return unavailable(errno, "open the socket's directory " + directory);
    while (::flock(lock.get(), LOCK_EX) != 0)
        if (errno != EINTR) return unavailable(errno, "lock " + directory);

    SIGILLO_ASSIGN(UniqueFd fd, new_socket(kind));
    int bound = bind_to(fd.get(), address);
    if (bound == EADDRINUSE) {
        SIGILLO_TRY(remove_leftover(path, address, kind));
        bound = bind_to(fd.get(), address);
    }
    if (bound != 0) return unavailable(bound, "bind " + path);
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return unavailable(errno, "look at " + path);
    ListeningSocket socket(std::move(fd), path, info.st_dev, info.st_ino);
    // Nobody can connect before listen(), so nobody sees the mode that the umask gave.
    if (::chmod(path.c_str(), mode) != 0) return unavailable(errno, "chmod " + path);
    if (::listen(socket.fd(), SOMAXCONN) != 0) return unavailable(errno, "listen on " + path);
    return socket;
}

ListeningSocket::~ListeningSocket() {
    if (!fd_) return;  // moved from
    struct stat info{};
    if (::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_)
        ::unlink(path_.c_str());  // a leftover is replaced by the next start
}

Result<UniqueFd> connect_unix(const std::string& path, SocketKind kind) {
    SIGILLO_ASSIGN(const sockaddr_un address, address_of(path));
    SIGILLO_ASSIGN(UniqueFd fd, new_socket(kind));
    if (const int number = connect_to(fd.get(), address); number != 0)
        return unavailable(number, "connect to " + path);
    return fd;
}

}  // namespace sigillo::ipc
