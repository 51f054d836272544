// The unix socket that nginx reaches: bind, accept, hand on. One thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "appliance/base/file.h"
#include "appliance/base/logger.h"
#include "appliance/base/result.h"

namespace sigillo::api {

class UnixListener {
 public:
    // Takes the accepted, non-blocking, close-on-exec socket. Called on the listener's thread.
    using Accepted = std::function<void(UniqueFd)>;
    // Called on the listener's thread about once a second.
    using Tick = std::function<void()>;

    // Binds and listens; a dead server's leftover is replaced. kInvalidArgument (path too long for AF_UNIX),
    // kUnavailable (in use, or errno).
    static Result<std::unique_ptr<UnixListener>> bind(const std::string& path, unsigned mode, Logger& logger);
    ~UnixListener();
    UnixListener(const UnixListener&) = delete;
    UnixListener& operator=(const UnixListener&) = delete;

    void run(Accepted accepted, Tick tick);
    // No more connections after return; removes the socket. Idempotent.
    void stop();
    std::uint64_t accept_failures() const { return accept_failures_; }

 private:
    UnixListener(std::string path, UniqueFd socket, UniqueFd wake, Logger& logger);
    void loop(const Accepted& accepted, const Tick& tick);

    const std::string path_;
    UniqueFd socket_;
    UniqueFd wake_;
    Logger& logger_;
    std::atomic<std::uint64_t> accept_failures_{0};
    std::thread thread_;
};

}  // namespace sigillo::api
