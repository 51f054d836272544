// A peer's end of sigillod's socket: many requests in flight on one connection, found again after a restart.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"
#include "appliance/ipc/framing.h"

namespace sigillo::ipc {

struct ClientConfig {
    std::string path;
    std::size_t frame_limit = kDefaultFrameLimit;  // bytes
    std::size_t in_flight_limit = 4096;            // requests; beyond it call() answers kUnavailable at once
    std::size_t backlog_limit = std::size_t{64}
                                << 20;  // bytes that sigillod has not read; beyond it likewise
    std::chrono::milliseconds deadline{
        30'000};  // for one request, longer than sigillod's own; kept within 1/8
    std::chrono::milliseconds reconnect_pause{200};  // between attempts while sigillod is away
};

// Thread-safe. create()'s has one thread of its own, which reads answers, enforces deadlines and reconnects;
// LoopClient (loop_client.h) has its event loop's. The first attempt to connect is made before create()
// returns.
class Client {
 public:
    // Exactly one call a request, on the client's thread: it must neither block nor throw. The payload is the
    // answer's frame.
    // Errors: kUnavailable (not connected, lost, too many in flight, client destroyed: whether the request
    // was carried out is open once it was sent), kLimitExceeded (longer than a frame may be), kInternal
    // (deadline passed; `id` is in flight already or is not the payload's).
    using Callback = std::function<void(Result<Bytes>)>;

    static std::unique_ptr<Client> create(ClientConfig config);
    // Answers what is in flight with kUnavailable, then joins.
    virtual ~Client() = default;

    // `payload` is a serialised request whose id is `id`; ids are unique among those in flight: next_id().
    virtual void call(std::uint64_t id, ByteView payload, Callback callback) = 0;
    virtual std::uint64_t next_id() = 0;
    virtual bool connected() const = 0;
};

// For tools: one request, one answer, blocking. kUnavailable when nothing listens at `path` or the peer hangs
// up (which is how a server refuses a uid), with errno in `native`; kInternal when the deadline passes;
// kCorrupt when the answer is not one to this request; kInvalidArgument, kLimitExceeded for a payload that is
// no request.
Result<Bytes> call_once(const std::string& path, ByteView payload, std::chrono::milliseconds deadline,
                        std::size_t frame_limit = kDefaultFrameLimit);

}  // namespace sigillo::ipc
