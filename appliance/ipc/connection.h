// One peer of a server: what it has sent, what it has in flight, what it has still to read.
//
// The polling thread owns it; each Reply shares it, so that an answer may come after the peer, or the whole
// server, is gone. The descriptor closes with the last owner: no answer can reach a descriptor that was used
// again.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "appliance/base/file.h"
#include "appliance/ipc/frame_writer.h"
#include "appliance/ipc/server.h"
#include "appliance/ipc/wake_up.h"

namespace sigillo::ipc {

// What other threads tell the polling thread: these connections need a look. Thread-safe.
class Attention {
 public:
    void ask(std::uint64_t connection);
    std::vector<std::uint64_t> take();  // each at least once
    const WakeUp& wake_up() const { return wake_up_; }

    std::atomic<std::size_t> in_flight{0};  // requests of all connections
    std::atomic<bool> draining{false};
    std::atomic<std::thread::id> poller{};  // the polling thread

 private:
    WakeUp wake_up_;
    std::mutex mutex_;
    std::vector<std::uint64_t> asked_;  // guarded by mutex_
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
    Connection(std::uint64_t id, UniqueFd fd, Peer peer, const ServerConfig& config,
               std::shared_ptr<Attention> attention);
    // Wakes the peer, too; the descriptor closes with the last owner.
    void hang_up();

    // For the polling thread only. Both hand whole frames to `handler` until the limits of what may be in
    // flight are reached. An error (which names the reason) or false (the peer closed) ends the connection.
    Result<bool> receive(const Handler& handler);
    Result<bool> dispatch(const Handler& handler);

    bool wants_to_read() const;  // below the limits of what may be in flight
    bool wants_to_write() const { return writer_.waiting(); }
    bool unwritten() const { return !writer_.broken() && !writer_.empty(); }
    bool idle() const { return requests_ == 0 && writer_.empty(); }
    bool broken() const { return writer_.broken(); }
    bool overflowed() const { return overflowed_.load(); }  // the peer does not read
    void write() { writer_.resume(); }
    // What others tell from here on is told again.
    void look() { asked_ = false; }

    std::uint64_t id() const { return id_; }
    int fd() const { return fd_.get(); }
    const Peer& peer() const { return peer_; }
    std::uint32_t polled_events = 0;  // polling thread: what epoll watches for

 private:
    class Ticket;
    Reply begin(std::uint64_t request, std::size_t size);
    void finish(ByteView payload, std::size_t size);
    void ask();

    const std::uint64_t id_;
    const UniqueFd fd_;
    const Peer peer_;
    const std::size_t frame_limit_;
    const std::size_t in_flight_limit_;
    const std::size_t in_flight_bytes_;
    const std::shared_ptr<Attention> attention_;
    FrameReader reader_;  // polling thread
    FrameWriter writer_;
    std::atomic<std::size_t> requests_{0};
    std::atomic<std::size_t> bytes_{0};
    std::atomic<bool> paused_{false};
    std::atomic<bool> overflowed_{false};
    std::atomic<bool> asked_{false};  // the polling thread is to look, and has not yet
};

}  // namespace sigillo::ipc
