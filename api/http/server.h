// An HTTP/1.1 server on a unix socket: nginx in front, handlers that answer later behind.
//
// Handlers are called on a reactor thread and must not block; their Responder may be used from any thread,
// and the answer is carried home to the connection's own thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "api/http/exchange.h"
#include "api/http/request_gate.h"
#include "appliance/base/logger.h"
#include "appliance/base/result.h"

namespace sigillo::api {

struct HttpServerConfig {
    std::string socket;  // path; created with mode `socket_mode`, removed at the end
    unsigned socket_mode = 0660;
    // Reactors. Handlers only decode and encode, some 50 us a request: the other half of the cores is for
    // sigillod and nginx, and a thread that is not needed costs changes of threads.
    std::size_t threads = std::max(1u, std::thread::hardware_concurrency() / 2);
    GateLimits limits;
    bool with_client_certificate = false;  // the `api` face
    // Connections a process, and so requests in flight: nginx keeps a few hundred to us.
    std::size_t connection_limit = 4096;
    // For a request to arrive whole: nginx buffers bodies, so what is slow here is broken.
    std::chrono::seconds request_timeout{30};
};

struct HttpCounters {
    std::uint64_t connections = 0;          // open now
    std::uint64_t in_flight = 0;            // requests not answered yet
    std::uint64_t answers_dropped = 0;      // whose client had hung up
    std::uint64_t requests_refused = 0;     // by the gate
    std::uint64_t connections_refused = 0;  // over the limit
    std::uint64_t accept_failures = 0;
};

class HttpServer {
 public:
    // Must not throw; a fault inside is the handler's own 500.
    using Handler = std::function<void(Request, Responder)>;
    // What else a reactor thread looks after: while `fd` is readable it calls turn(), and end_of_round()
    // after each round of its loop, on that thread. Neither blocks. -1: nothing.
    struct Companion {
        int fd = -1;
        std::function<void()> turn;
        std::function<void()> end_of_round;
    };

    // Listens on return. The first companion is the first reactor thread's, and so on; they outlive the
    // server. kUnavailable when the socket cannot be bound.
    static Result<std::unique_ptr<HttpServer>> start(HttpServerConfig config, Handler handler, Logger& logger,
                                                     std::vector<Companion> companions = {});
    virtual ~HttpServer() = default;

    // Stops accepting, lets what is in flight finish, ends. True: all answered; false: the deadline passed.
    virtual bool stop(std::chrono::milliseconds deadline) = 0;
    virtual HttpCounters counters() const = 0;
};

}  // namespace sigillo::api
