#include "appliance/ipc/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "appliance/ipc/connection.h"
#include "appliance/ipc/unix_socket.h"

namespace sigillo::ipc {
namespace {

constexpr std::uint64_t kListener = 0;  // epoll's names of what is not a connection
constexpr std::uint64_t kAttention = 1;
constexpr std::uint64_t kFirstConnection = 2;
// Without descriptors left, accept() would fail again at once: pause instead of spinning.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::milliseconds kStopTick{10};
constexpr std::chrono::seconds kRefusalLogPause{1};  // strangers cannot flood the log

class PollingServer final : public Server {
 public:
    PollingServer(ServerConfig config, Handler handler, Logger& logger, ListeningSocket listener,
                  UniqueFd epoll)
        : config_(std::move(config)),
          handler_(std::move(handler)),
          logger_(logger),
          attention_(std::make_shared<Attention>()),
          listener_(std::move(listener)),
          epoll_(std::move(epoll)) {
        watch(EPOLL_CTL_ADD, attention_->wake_up().fd(), EPOLLIN, kAttention);
        watch(EPOLL_CTL_ADD, listener_->fd(), EPOLLIN, kListener);
        thread_ = std::thread([this] { run(); });
    }

    ~PollingServer() override {
        stopping_ = true;
        attention_->draining = true;
        attention_->wake_up().signal();
        thread_.join();
    }

    void drain() override {
        attention_->draining = true;
        attention_->wake_up().signal();
    }

    std::size_t in_flight() const override { return attention_->in_flight; }

 private:
    using Connections = std::unordered_map<std::uint64_t, std::shared_ptr<Connection>>;

    void run();
    void accept_all();
    void accept_one(UniqueFd fd);
    void serve(std::uint64_t id, std::uint32_t events);
    void settle(Connection& connection);
    void drop(std::uint64_t id, std::string_view reason);
    void begin_draining();
    void watch(int operation, int fd, std::uint32_t events, std::uint64_t id) const {
        epoll_event event{};
        event.events = events;
        event.data.u64 = id;
        if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0)
            logger_.error("ipc_epoll_ctl", {{"socket", config_.path}, {"errno", errno}});
    }

    const ServerConfig config_;
    const Handler handler_;
    Logger& logger_;
    const std::shared_ptr<Attention> attention_;
    std::atomic<bool> stopping_{false};
    // The polling thread's:
    std::optional<ListeningSocket> listener_;
    UniqueFd epoll_;
    Connections connections_;
    std::uint64_t next_id_ = kFirstConnection;
    bool accept_paused_ = false;
    std::uint64_t refusals_ = 0;  // since the last line about them
    std::chrono::steady_clock::time_point refusal_logged_{};
    std::thread thread_;
};

void PollingServer::run() {
    attention_->poller = std::this_thread::get_id();
    std::array<epoll_event, 64> events{};
    std::optional<std::chrono::steady_clock::time_point> last_moment;
    for (;;) {
        if (attention_->draining && listener_) begin_draining();
        if (stopping_) {
            const auto now = std::chrono::steady_clock::now();
            if (!last_moment) last_moment = now + config_.linger;
            for (const auto& [id, connection] : connections_) {
                connection->write();
                settle(*connection);
            }
            if (now >= *last_moment || !std::ranges::any_of(connections_, [](const auto& entry) {
                    return entry.second->unwritten();
                }))
                break;
        }
        const auto tick = stopping_        ? kStopTick
                          : accept_paused_ ? kAcceptPause
                                           : std::chrono::milliseconds{-1};
        const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                       static_cast<int>(tick.count()));
        if (accept_paused_ && listener_) {
            accept_paused_ = false;
            watch(EPOLL_CTL_MOD, listener_->fd(), EPOLLIN, kListener);
        }
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 == kListener) {
                accept_all();
            } else if (event.data.u64 != kAttention) {
                serve(event.data.u64, event.events);
            }
        }
        // After the events, so that answers given while serving them leave in this round.
        for (const std::uint64_t id : attention_->take()) serve(id, 0);
    }
    while (!connections_.empty()) drop(connections_.begin()->first, "");
    listener_.reset();
}

void PollingServer::begin_draining() {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_->fd(), nullptr);
    listener_.reset();
    std::vector<std::uint64_t> ids;
    for (const auto& [id, connection] : connections_) ids.push_back(id);
    for (const std::uint64_t id : ids) serve(id, 0);
}

void PollingServer::accept_all() {
    while (listener_) {
        UniqueFd fd(::accept4(listener_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd) {
            accept_one(std::move(fd));
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            logger_.error("ipc_accept", {{"socket", config_.path}, {"errno", errno}});
            accept_paused_ = true;
            watch(EPOLL_CTL_MOD, listener_->fd(), 0, kListener);
        }
        return;
    }
}

void PollingServer::accept_one(UniqueFd fd) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    const bool known = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0;
    const auto& allowed = config_.allowed_uids;
    const bool welcome =
        known && (allowed.empty() ? credentials.uid == ::geteuid()
                                  : std::ranges::find(allowed, credentials.uid) != allowed.end());
    if (!welcome || connections_.size() >= config_.connection_limit) {
        ++refusals_;
        const auto now = std::chrono::steady_clock::now();
        if (now - refusal_logged_ < kRefusalLogPause) return;
        refusal_logged_ = now;
        logger_.warning("ipc_peer_refused", {{"socket", config_.path},
                                             {"reason", welcome ? "too many connections" : "uid not allowed"},
                                             {"uid", std::to_string(credentials.uid)},
                                             {"pid", std::to_string(credentials.pid)},
                                             {"refused", std::exchange(refusals_, 0)}});
        return;
    }
    const std::uint64_t id = next_id_++;
    const Peer peer{credentials.uid, credentials.gid, credentials.pid};
    auto connection = std::make_shared<Connection>(id, std::move(fd), peer, config_, attention_);
    connection->polled_events = EPOLLIN;
    watch(EPOLL_CTL_ADD, connection->fd(), EPOLLIN, id);
    connections_.emplace(id, std::move(connection));
}

// `events` is 0 when another thread asked for a look.
void PollingServer::serve(std::uint64_t id, std::uint32_t events) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const std::shared_ptr<Connection> connection = found->second;
    connection->look();
    Result<bool> alive = true;
    if (connection->overflowed()) alive = fail(Errc::kLimitExceeded, "the peer does not read its answers");
    if (alive && *alive && (events & EPOLLIN) != 0 && connection->wants_to_read()) {
        alive = connection->receive(handler_);
    } else if (alive && *alive && events == 0) {
        alive = connection->dispatch(handler_);  // frames that were read before a pause
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        alive = false;
    }
    if (!alive) return drop(id, to_string(alive.error()));
    if (!*alive) return drop(id, "");
    connection->write();
    if (connection->broken()) return drop(id, "");
    if (attention_->draining && connection->idle()) return drop(id, "");
    settle(*connection);
}

void PollingServer::settle(Connection& connection) {
    const std::uint32_t events = (connection.wants_to_read() ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                                 (connection.wants_to_write() ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    if (events == connection.polled_events) return;
    connection.polled_events = events;
    watch(EPOLL_CTL_MOD, connection.fd(), events, connection.id());
}

void PollingServer::drop(std::uint64_t id, std::string_view reason) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const std::shared_ptr<Connection> connection = found->second;
    connections_.erase(found);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, connection->fd(), nullptr);
    connection->hang_up();
    if (!reason.empty())
        logger_.warning("ipc_connection_dropped", {{"socket", config_.path},
                                                   {"reason", reason},
                                                   {"uid", std::to_string(connection->peer().uid)},
                                                   {"pid", std::to_string(connection->peer().pid)}});
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerConfig config, Handler handler, Logger& logger) {
    SIGILLO_ASSIGN(ListeningSocket listener, ListeningSocket::open(config.path, config.mode));
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return fail(Errc::kUnavailable, "epoll_create1", {}, errno);
    return std::make_unique<PollingServer>(std::move(config), std::move(handler), logger, std::move(listener),
                                           std::move(epoll));
}

}  // namespace sigillo::ipc
