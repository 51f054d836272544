// An HTTP server on a free port of 127.0.0.1 that does what the test tells it, well or badly.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "appliance/base/file.h"

namespace sigillo::testing {

// One connection at the server's end.
class PeerConnection {
 public:
    PeerConnection(UniqueFd fd, const std::atomic<bool>& ending) : fd_(std::move(fd)), ending_(ending) {}
    // A whole request, head and body; empty at the end of the stream.
    std::string read_request();
    bool send(std::string_view bytes);
    // Head with Content-Length, and the body.
    bool answer(int status, std::string_view body, std::string_view more_headers = {});
    // Until the client is gone or the test ends.
    void wait();
    bool ending() const { return ending_; }

 private:
    UniqueFd fd_;
    const std::atomic<bool>& ending_;
    std::string buffer_;
};

class HttpPeer {
 public:
    // Runs for each connection on a thread of its own.
    using Behaviour = std::function<void(PeerConnection&)>;
    explicit HttpPeer(Behaviour behaviour);
    ~HttpPeer();
    HttpPeer(const HttpPeer&) = delete;
    HttpPeer& operator=(const HttpPeer&) = delete;

    std::uint16_t port() const { return port_; }
    std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }
    unsigned connections() const { return connections_; }

 private:
    const Behaviour behaviour_;
    UniqueFd listening_;
    std::uint16_t port_ = 0;
    std::atomic<bool> ending_{false};
    std::atomic<unsigned> connections_{0};
    std::vector<std::thread> threads_;  // the acceptor's alone until it is joined
    std::thread acceptor_;
};

// Answers every request with this.
HttpPeer::Behaviour always(int status, std::string body, std::string more_headers = {});
// A port that nobody listens on.
std::uint16_t free_port();

}  // namespace sigillo::testing
