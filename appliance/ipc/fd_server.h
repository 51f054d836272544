// The server's end of a socket for messages with descriptors (fd_message.h): one message in, one answer out,
// in order.
//
// One thread polls all connections; handler() is called on it, so it must be quick. Bounded: connections,
// bytes and descriptors of a message. A peer that sends what it may not, or that does not take its answer, is
// dropped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "appliance/base/logger.h"
#include "appliance/ipc/fd_message.h"

namespace sigillo::ipc {

struct FdServerConfig {
    std::string path;  // of the socket; created with mode `mode`, removed at the end
    unsigned mode = 0660;
    std::vector<uid_t> allowed_uids;  // others are refused before a byte is read; empty: only our own uid
    FdMessageLimits limits{4'096, 1};
    std::size_t connection_limit = 64;  // peers are few processes of ours, each with few connections
};

// Answers one message; an empty answer ends the connection. Must not throw.
using FdHandler = std::function<Bytes(const Peer& peer, FdMessage message)>;

class FdServer {
 public:
    // kUnavailable when the path cannot be bound; a dead server's leftover is replaced.
    static Result<std::unique_ptr<FdServer>> start(FdServerConfig config, FdHandler handler, Logger& logger);
    virtual ~FdServer() = default;  // after the message that is being handled
};

}  // namespace sigillo::ipc
