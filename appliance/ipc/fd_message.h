// Messages that carry file descriptors: AF_UNIX, SOCK_SEQPACKET, SCM_RIGHTS. For what is too large for a
// frame (framing.h): a document travels as a sealed memfd (sealed_memory.h) and is never copied through a
// socket.
//
// One call sends or receives one whole message; the kernel keeps their boundaries. An empty message cannot be
// told from the end of a connection, so none is ever sent. The kernel's own bound is SO_SNDBUF (about 200
// KiB). Free functions; a socket serves one sender and one receiver at a time. They work on non-blocking
// sockets and on blocking ones alike.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/file.h"
#include "appliance/base/result.h"
#include "appliance/ipc/server.h"
#include "appliance/ipc/unix_socket.h"

namespace sigillo::ipc {

struct FdMessage {
    Bytes payload;
    std::vector<UniqueFd> fds;  // close-on-exec
};

struct FdMessageLimits {
    std::size_t payload = std::size_t{64}
                          << 10;  // bytes: a request and its names; what is larger goes by memfd
    std::size_t fds = 8;          // a document, its answer and a few images; the kernel's limit is 253
};

// Sends it all, or nothing. The descriptors stay the caller's. `patience`: how long it waits for room.
// kInvalidArgument: empty, or more than 253 descriptors. kLimitExceeded: more bytes than the socket takes at
// once. kUnavailable: the peer is gone (native EPIPE, ECONNRESET), or no room in time (native EAGAIN).
Status send_fd_message(int socket, ByteView payload, std::span<const int> fds,
                       std::chrono::milliseconds patience);

// The next message, or nothing when the peer has closed its end. After kLimitExceeded (more bytes or
// descriptors than `limits` say) and kInvalidArgument (control data of another kind) the message is gone, its
// descriptors are closed, and the connection is to be closed: what the peer meant is not known any more.
// kUnavailable: nothing came within `patience` (native EAGAIN), or the connection broke.
Result<std::optional<FdMessage>> receive_fd_message(int socket, const FdMessageLimits& limits,
                                                    std::chrono::milliseconds patience);

// Who is at the other end (SO_PEERCRED): the process that connected, or made the socket pair.
Result<Peer> peer_of(int socket);

// A connected pair, non-blocking and close-on-exec.
Result<std::pair<UniqueFd, UniqueFd>> fd_message_pair();

}  // namespace sigillo::ipc
