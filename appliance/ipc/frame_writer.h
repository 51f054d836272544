// The writing half of a connection, shared by all threads that send on it.
//
// The thread that finds nobody writing writes, and takes along what others queue meanwhile: alone it costs
// one system call and no change of thread; under load many frames leave in one. The socket is non-blocking:
// when the peer does not read, the rest waits for resume(), which the thread that polls calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>

#include "appliance/base/bytes.h"

namespace sigillo::ipc {

// Thread-safe.
class FrameWriter {
 public:
    enum class Outcome : std::uint8_t {
        kAccepted,  // on its way, or waiting
        kFull,      // would exceed the backlog limit: not taken
        kBroken,    // the connection is lost: not taken
    };
    enum class When : std::uint8_t { kNow, kOnResume };

    // `fd` is the caller's and outlives this. `on_change` is called, without a lock held, when the socket has
    // become full (waiting() is true: poll for writability, then resume()) or broken.
    FrameWriter(int fd, std::size_t backlog_limit, std::function<void()> on_change)
        : fd_(fd), backlog_limit_(backlog_limit), on_change_(std::move(on_change)) {}

    // One frame around `payload`. kOnResume only queues: for the polling thread, which writes the answers of
    // a whole round at once.
    Outcome send(ByteView payload, When when = When::kNow);
    // Writes what waits, as far as the socket takes it.
    void resume();
    // Nothing is written from here on.
    void abandon();
    bool waiting() const;  // bytes are waiting and the socket was full
    bool empty() const;    // nothing left to write
    bool broken() const;

 private:
    // Returns whether the state changed to full or broken.
    bool write_out(std::unique_lock<std::mutex>& lock);

    const int fd_;
    const std::size_t backlog_limit_;  // bytes
    const std::function<void()> on_change_;
    mutable std::mutex mutex_;
    // guarded by mutex_:
    Bytes queued_;             // frames nobody has begun to write
    std::size_t writing_ = 0;  // bytes that the writing thread has in hand
    Bytes unsent_;             // what the socket did not take, before queued_
    std::size_t sent_ = 0;     // bytes of unsent_ that are gone
    bool busy_ = false;        // a thread writes
    bool full_ = false;
    bool broken_ = false;
};

}  // namespace sigillo::ipc
