// sigillod's end of one unix socket: reads frames, hands each to the handler, writes answers as they come.
//
// One thread polls all connections of a server. handler() is called on that thread and must not block: it
// queues the work and answers later, from any thread, through the Reply that it was given. Bounded:
// connections, frames in flight a connection, by number and bytes (reading pauses beyond), bytes waiting to
// be written (a peer that does not read is dropped). A peer that closes its end is gone: what it still has in
// flight is answered into the void.
//
// Every request begins with its id (framing.h); a frame without one ends the connection. So no request stays
// without an answer: where the Reply is dropped uncalled, or its payload is longer than a frame may be, the
// server answers with the id and an Error itself (kInternal, kLimitExceeded).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/logger.h"
#include "appliance/base/result.h"
#include "appliance/ipc/framing.h"

namespace sigillo::ipc {

struct Peer {
    uid_t uid = 0;  // SO_PEERCRED
    gid_t gid = 0;
    pid_t pid = 0;
};

// Sends one answer; later calls do nothing. Copyable, callable from any thread, also after the peer hung up
// and after the server is gone.
using Reply = std::function<void(Bytes payload)>;
// Must not throw.
using Handler = std::function<void(const Peer& peer, Bytes payload, Reply reply)>;

struct ServerConfig {
    std::string path;  // of the socket; created with mode `mode`, removed at the end
    unsigned mode = 0660;
    std::vector<uid_t> allowed_uids;  // others are refused before a byte is read; empty: only our own uid
    std::size_t frame_limit = kDefaultFrameLimit;  // bytes
    std::size_t connection_limit = 64;   // peers are few processes of ours, each with few connections
    std::size_t in_flight_limit = 1024;  // requests a connection; beyond it, reading pauses
    std::size_t in_flight_bytes = std::size_t{16}
                                  << 20;  // of their payloads; beyond it, reading pauses: without
                                          // it a peer could park 1024 frames of 1 MiB here
    std::size_t backlog_limit = std::size_t{64}
                                << 20;  // unread answer bytes a connection; beyond it, it is dropped
    std::chrono::milliseconds linger{
        1000};  // how long the destructor waits for peers to take their last answers
};

// Thread-safe.
class Server {
 public:
    // Binds and listens. kUnavailable when the path cannot be bound (in use by a live server, too long, no
    // permission); a dead server's leftover is replaced.
    static Result<std::unique_ptr<Server>> start(ServerConfig config, Handler handler, Logger& logger);
    virtual ~Server() = default;
    // Accepts no more connections and reads no more requests; answers in flight still go out, and a
    // connection is closed with its last one.
    virtual void drain() = 0;
    // Requests read and not answered yet.
    virtual std::size_t in_flight() const = 0;
};

}  // namespace sigillo::ipc
