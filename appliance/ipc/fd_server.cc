#include "appliance/ipc/fd_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>
#include <utility>

#include "appliance/ipc/wake_up.h"

namespace sigillo::ipc {
namespace {

constexpr std::chrono::milliseconds kNow{0};
// Without descriptors left, accept() would fail again at once: pause instead of spinning.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::seconds kRefusalLogPause{1};  // strangers cannot flood the log
constexpr std::size_t kFixed = 2;                    // polled before the connections: wake-up, listener

class PollingFdServer final : public FdServer {
 public:
    PollingFdServer(FdServerConfig config, FdHandler handler, Logger& logger, ListeningSocket listener)
        : config_(std::move(config)),
          handler_(std::move(handler)),
          logger_(logger),
          listener_(std::move(listener)),
          thread_([this] { run(); }) {}

    ~PollingFdServer() override {
        stopping_ = true;
        wake_up_.signal();
        thread_.join();
    }

 private:
    struct Connection {
        UniqueFd fd;
        Peer peer;
    };

    void run();
    void accept_all();
    bool welcome(const Result<Peer>& peer);
    bool serve(const Connection& connection);  // whether it lives on

    const FdServerConfig config_;
    const FdHandler handler_;
    Logger& logger_;
    WakeUp wake_up_;
    std::atomic<bool> stopping_{false};
    // The polling thread's:
    ListeningSocket listener_;
    std::vector<Connection> connections_;
    bool accept_paused_ = false;
    std::uint64_t refusals_ = 0;  // since the last line about them
    std::chrono::steady_clock::time_point refusal_logged_{};
    std::thread thread_;
};

void PollingFdServer::run() {
    std::vector<pollfd> polled;
    while (!stopping_) {
        polled.assign({{wake_up_.fd(), POLLIN, 0},
                       {listener_.fd(), static_cast<short>(accept_paused_ ? 0 : POLLIN), 0}});
        for (const Connection& connection : connections_) polled.push_back({connection.fd.get(), POLLIN, 0});
        const auto wait = accept_paused_ ? kAcceptPause : std::chrono::milliseconds(-1);
        accept_paused_ = false;
        if (::poll(polled.data(), polled.size(), static_cast<int>(wait.count())) < 0 && errno != EINTR) {
            logger_.error("fd_server_poll", {{"socket", config_.path}, {"errno", errno}});
            return;
        }
        std::vector<Connection> living;
        for (std::size_t i = 0; i < connections_.size(); ++i)
            if (polled[kFixed + i].revents == 0 || serve(connections_[i]))
                living.push_back(std::move(connections_[i]));
        connections_ = std::move(living);
        if (polled[1].revents != 0) accept_all();
    }
}

void PollingFdServer::accept_all() {
    for (;;) {
        UniqueFd fd(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                logger_.error("fd_server_accept", {{"socket", config_.path}, {"errno", errno}});
                accept_paused_ = true;
            }
            return;
        }
        const auto peer = peer_of(fd.get());
        if (welcome(peer)) connections_.push_back({std::move(fd), *peer});
    }
}

bool PollingFdServer::welcome(const Result<Peer>& peer) {
    const auto& allowed = config_.allowed_uids;
    const bool known = peer && (allowed.empty() ? peer->uid == ::geteuid()
                                                : std::ranges::find(allowed, peer->uid) != allowed.end());
    if (known && connections_.size() < config_.connection_limit) return true;
    ++refusals_;
    const auto now = std::chrono::steady_clock::now();
    if (now - refusal_logged_ < kRefusalLogPause) return false;
    refusal_logged_ = now;
    logger_.warning("ipc_peer_refused", {{"socket", config_.path},
                                         {"reason", known ? "too many connections" : "uid not allowed"},
                                         {"uid", peer ? std::to_string(peer->uid) : "unknown"},
                                         {"refused", std::exchange(refusals_, 0)}});
    return false;
}

bool PollingFdServer::serve(const Connection& connection) {
    auto message = receive_fd_message(connection.fd.get(), config_.limits, kNow);
    if (!message) {
        if (message.error().native == EAGAIN) return true;
        logger_.warning("ipc_connection_dropped", {{"socket", config_.path},
                                                   {"reason", to_string(message.error())},
                                                   {"uid", std::to_string(connection.peer.uid)}});
        return false;
    }
    if (!*message) return false;
    const Bytes answer = handler_(connection.peer, **std::move(message));
    return !answer.empty() && send_fd_message(connection.fd.get(), answer, {}, kNow).has_value();
}

}  // namespace

Result<std::unique_ptr<FdServer>> FdServer::start(FdServerConfig config, FdHandler handler, Logger& logger) {
    SIGILLO_ASSIGN(ListeningSocket listener,
                   ListeningSocket::open(config.path, config.mode, SocketKind::kPackets));
    return std::make_unique<PollingFdServer>(std::move(config), std::move(handler), logger,
                                             std::move(listener));
}

}  // namespace sigillo::ipc
