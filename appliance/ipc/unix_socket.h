// Sockets in the file system: names, listening, connecting, who is at the other end.
// Free functions; safe from any thread. All sockets are non-blocking and close-on-exec.
// Errors: kUnavailable with errno in `native` and a detail that says what to do.
#pragma once

#include <cstdint>
#include <string>

#include "appliance/base/file.h"
#include "appliance/base/result.h"

namespace sigillo::ipc {

enum class SocketKind : std::uint8_t {
    kStream,   // frames (framing.h)
    kPackets,  // SOCK_SEQPACKET: messages with descriptors (fd_message.h)
};

// A listening socket whose name disappears with it, unless somebody else's socket has the name by then.
class ListeningSocket {
 public:
    // Replaces the leftover of a dead server, never a live one's socket, never a file that is no socket. Two
    // servers that start at once are told apart by a lock on the directory. `mode` holds from before the
    // first connection can be made, whatever the umask.
    static Result<ListeningSocket> open(const std::string& path, unsigned mode,
                                        SocketKind kind = SocketKind::kStream);
    ListeningSocket(ListeningSocket&& other) noexcept = default;
    ListeningSocket& operator=(ListeningSocket&&) = delete;
    ~ListeningSocket();
    int fd() const { return fd_.get(); }

 private:
    ListeningSocket(UniqueFd fd, std::string path, unsigned long long device, unsigned long long inode)
        : fd_(std::move(fd)), path_(std::move(path)), device_(device), inode_(inode) {}
    UniqueFd fd_;
    std::string path_;
    unsigned long long device_;
    unsigned long long inode_;
};

Result<UniqueFd> connect_unix(const std::string& path, SocketKind kind = SocketKind::kStream);

}  // namespace sigillo::ipc
