// The only file that includes Pistache (its headers need GCC).
//
// Pistache 0.0.5 gives the reactors, the connections' bookkeeping and the HTTP parser. Three things are ours:
// - accepted unix sockets, answers and orders reach a reactor thread through its Mailbox, and everything about a
//   connection happens on that thread alone. From any other, Pistache crosses answers (FACTS.md).
// - RequestGate decides where a request ends.
// - answers are written here. Pistache's own writer, when the socket's buffer is full, spins on EAGAIN while it
//   holds its lock and copies the rest each time round: one reader that stalls stops the whole reactor.
#include <pistache/http.h>
#include <pistache/peer.h>
#include <pistache/reactor.h>
#include <pistache/transport.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>
#include <unordered_map>

#include "api/http/listener.h"
#include "api/http/mailbox.h"
#include "api/http/server.h"

namespace sigillo::api {
namespace {

using std::chrono::steady_clock;
namespace polling = Pistache::Polling;

// What all reactors of a server share. Constant after construction, but for the atomics.
struct Shared {
    Shared(HttpServerConfig c, HttpServer::Handler h, Logger& l)
        : config(std::move(c)), handler(std::move(h)), logger(l) {}
    const HttpServerConfig config;
    const HttpServer::Handler handler;
    Logger& logger;
    std::atomic<std::uint64_t> connections{0}, in_flight{0}, answers_dropped{0}, requests_refused{0},
        connections_refused{0};
};

struct Connection {
    Connection(GateLimits limits, bool with_certificate) : gate(limits, with_certificate) {}
    RequestGate gate;
    std::uint64_t exchange = 0;  // in flight, or 0
    bool keep_alive = true;      // of the request in flight
    bool closing = false;        // shut down once `out` has gone; what still comes in is ignored
    std::string out;
    std::size_t sent = 0;
    steady_clock::time_point incomplete_since{};  // when a request began to arrive; zero: none
};

Method method_of(Pistache::Http::Method method) {
    switch (method) {
        case Pistache::Http::Method::Get: return Method::kGet;
        case Pistache::Http::Method::Post: return Method::kPost;
        case Pistache::Http::Method::Put: return Method::kPut;
        case Pistache::Http::Method::Delete: return Method::kDelete;
        default: return Method::kOther;
    }
}

std::string serialise(const Response& response, bool keep_alive) {
    std::string out = "HTTP/1.1 " + std::to_string(response.status) + ' ' +
                      Pistache::Http::codeString(static_cast<Pistache::Http::Code>(response.status)) + "\r\n";
    out.reserve(out.size() + response.body.size() + 256);
    if (!response.content_type.empty()) out += "Content-Type: " + response.content_type + "\r\n";
    for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
    if (response.status != 204) out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    if (response.status != 204) out += response.body;
    return out;
}

class ApiTransport;

// Passes what Pistache reads, and its hang-ups, to the transport of the same thread.
class ApiHandler final : public Pistache::Http::Handler {
   public:
    HTTP_PROTOTYPE(ApiHandler)
    explicit ApiHandler(std::size_t head_limit) { setMaxRequestSize(head_limit); }
    void attach(ApiTransport* transport) { transport_ = transport; }
    void onRequest(const Pistache::Http::Request&, Pistache::Http::ResponseWriter) override {}  // see onInput

   private:
    void onInput(const char* buffer, std::size_t size, const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;
    void onDisconnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;
    ApiTransport* transport_ = nullptr;
};

// One a reactor thread. Every member but mailbox() is used on that thread only, once it runs.
class ApiTransport final : public Pistache::Tcp::Transport {
   public:
    explicit ApiTransport(std::shared_ptr<Shared> shared)
        : ApiTransport(shared, std::make_shared<ApiHandler>(shared->config.limits.head_bytes)) {}

    std::shared_ptr<Pistache::Aio::Handler> clone() const override { return std::make_shared<ApiTransport>(shared_); }
    void registerPoller(polling::Epoll& poller) override;
    void onReady(const Pistache::Aio::FdSet& fds) override;

    const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
    void input(const std::shared_ptr<Pistache::Tcp::Peer>& peer, std::string_view bytes);
    void disconnected(int fd);
    void close_all();  // once the reactor has ended

   private:
    ApiTransport(std::shared_ptr<Shared> shared, std::shared_ptr<ApiHandler> handler)
        : Transport(handler), shared_(std::move(shared)), handler_(std::move(handler)) {
        handler_->attach(this);
    }
    void event(const Pistache::Aio::FdSet::Entry& entry);
    void open_mail();
    void adopt(UniqueFd socket);
    void answer(Answer answer);
    void obey(Order order);
    void pump(int fd, Connection& connection);
    void dispatch(int fd, Connection& connection, GatedRequest gated);
    std::optional<Request> parse(int fd, GatedRequest gated);
    void reply(int fd, Connection& connection, const Response& response, bool keep_alive);
    void write_out(int fd, Connection& connection);
    void hang_up(int fd, Connection& connection);

    const std::shared_ptr<Shared> shared_;
    const std::shared_ptr<ApiHandler> handler_;
    const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
    std::unordered_map<int, Connection> connections_;       // by descriptor
    std::unordered_map<std::uint64_t, int> exchanges_;      // in flight
    std::uint64_t next_exchange_ = 1;
    bool draining_ = false;
};

void ApiHandler::onInput(const char* buffer, std::size_t size, const std::shared_ptr<Pistache::Tcp::Peer>& peer) {
    transport_->input(peer, {buffer, size});
}

void ApiHandler::onDisconnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) {
    transport_->disconnected(peer->fd());
}

void ApiTransport::registerPoller(polling::Epoll& poller) {
    Transport::registerPoller(poller);
    const int fd = mailbox_->event_fd();
    poller.addFd(fd, Pistache::Flags<polling::NotifyOn>(polling::NotifyOn::Read), polling::Tag(static_cast<std::uint64_t>(fd)));
}

// Each event on its own: an exception of Pistache's must not take the events behind it along, for they are
// edge-triggered and would never come back.
void ApiTransport::onReady(const Pistache::Aio::FdSet& fds) {
    for (const auto& entry : fds) {
        try {
            event(entry);
        } catch (const std::exception& e) {
            shared_->logger.error("transport_fault", {{"what", e.what()}});
        }
    }
    try {
        open_mail();
    } catch (const std::exception& e) {
        shared_->logger.error("transport_fault", {{"what", e.what()}});
    }
}

void ApiTransport::event(const Pistache::Aio::FdSet::Entry& entry) {
    const auto tag = entry.getTag();
    const int fd = static_cast<int>(tag.value());
    if (fd == mailbox_->event_fd()) return;  // read by open_mail()
    polling::Event for_base(tag);
    if (const auto found = connections_.find(fd); found != connections_.end()) {
        if (entry.isWritable()) write_out(fd, found->second);
        if (!entry.isReadable() && !entry.isHangup()) return;  // Pistache throws on writes that are not its own
        for_base.flags.setFlag(polling::NotifyOn::Read);
    } else if (entry.isReadable()) {
        for_base.flags.setFlag(polling::NotifyOn::Read);
    }
    std::vector<polling::Event> one{for_base};
    Transport::onReady(Pistache::Aio::FdSet(std::move(one)));
}

void ApiTransport::open_mail() {
    for (;;) {
        auto mail = mailbox_->take();
        if (mail.empty()) return;
        for (auto& item : mail) {
            if (auto* socket = std::get_if<UniqueFd>(&item)) adopt(std::move(*socket));
            else if (auto* finished = std::get_if<Answer>(&item)) answer(std::move(*finished));
            else obey(std::get<Order>(item));
        }
    }
}

void ApiTransport::adopt(UniqueFd socket) {
    if (draining_) {
        --shared_->connections;
        return;
    }
    const int fd = socket.get();
    const auto& config = shared_->config;
    connections_.try_emplace(fd, config.limits, config.with_client_certificate);
    try {
        handleNewPeer(Pistache::Tcp::Peer::Create(fd, Pistache::Address()));
        (void)socket.release();  // Pistache closes it when the peer goes
    } catch (...) {
        peers.erase(fd);
        connections_.erase(fd);
        --shared_->connections;
        throw;
    }
}

void ApiTransport::disconnected(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    if (found->second.exchange != 0) {
        exchanges_.erase(found->second.exchange);
        --shared_->in_flight;
        ++shared_->answers_dropped;
    }
    connections_.erase(found);
    --shared_->connections;
}

void ApiTransport::input(const std::shared_ptr<Pistache::Tcp::Peer>& peer, std::string_view bytes) {
    const int fd = peer->fd();
    const auto found = connections_.find(fd);
    if (found == connections_.end() || found->second.closing) return;
    Connection& connection = found->second;
    connection.gate.feed(bytes);
    pump(fd, connection);
    if (connection.gate.buffered() > connection.gate.buffer_limit()) hang_up(fd, connection);
}

// The next request, unless one is in flight or its answer still on the way: what a client sends ahead waits its turn.
void ApiTransport::pump(int fd, Connection& connection) {
    if (connection.exchange != 0 || connection.closing || !connection.out.empty()) return;
    if (auto gated = connection.gate.next()) {
        connection.incomplete_since = {};
        dispatch(fd, connection, std::move(*gated));
    } else if (const auto& refusal = connection.gate.refusal()) {
        ++shared_->requests_refused;
        reply(fd, connection, plain_problem(refusal->status, "Refused", refusal->detail), false);
    } else if (connection.gate.buffered() > 0 && connection.incomplete_since == steady_clock::time_point{}) {
        connection.incomplete_since = steady_clock::now();
    }
}

std::optional<Request> ApiTransport::parse(int fd, GatedRequest gated) {
    const auto parser = Pistache::Http::Handler::getParser(peers.at(fd));
    Request request;
    try {
        if (!parser->feed(gated.head.data(), gated.head.size()) ||
            parser->parse() != Pistache::Http::Private::State::Done)
            return std::nullopt;
        const auto& parsed = parser->request;
        request.method = method_of(parsed.method());
        request.path = parsed.resource();
        request.query.assign(parsed.query().parameters_begin(), parsed.query().parameters_end());
        const auto header = [&](const char* name, std::string& value) {
            const auto raw = parsed.headers().tryGetRaw(name);
            if (raw) value = raw->value();
            return raw.has_value();
        };
        header("X-Content-Type", request.content_type);
        header("X-Sigillo-Client-Cert", request.client_certificate);
        request.has_idempotency_key = header("Idempotency-Key", request.idempotency_key);
    } catch (const std::exception&) {  // HttpError and what its pieces throw: the request is not HTTP to Pistache
        return std::nullopt;
    }
    parser->reset();
    request.body = std::move(gated.body);
    return request;
}

void ApiTransport::dispatch(int fd, Connection& connection, GatedRequest gated) {
    const bool keep_alive = gated.keep_alive;
    auto request = parse(fd, std::move(gated));
    if (!request) {
        ++shared_->requests_refused;
        reply(fd, connection, plain_problem(400, "Bad Request", "the request is not HTTP/1.1"), false);
        return;
    }
    connection.exchange = next_exchange_++;
    connection.keep_alive = keep_alive;
    exchanges_.emplace(connection.exchange, fd);
    ++shared_->in_flight;
    shared_->handler(std::move(*request), Responder(mailbox_, connection.exchange));
}

void ApiTransport::answer(Answer answer) {
    const auto exchange = exchanges_.find(answer.exchange);
    if (exchange == exchanges_.end()) return;  // hung up: counted then
    const int fd = exchange->second;
    exchanges_.erase(exchange);
    --shared_->in_flight;
    Connection& connection = connections_.at(fd);
    connection.exchange = 0;
    reply(fd, connection, answer.response, connection.keep_alive && !draining_);
}

void ApiTransport::reply(int fd, Connection& connection, const Response& response, bool keep_alive) {
    connection.out = serialise(response, keep_alive);
    connection.sent = 0;
    connection.closing = !keep_alive;
    write_out(fd, connection);
}

void ApiTransport::write_out(int fd, Connection& connection) {
    if (connection.out.empty()) return;
    while (connection.sent < connection.out.size()) {
        const auto count = ::send(fd, connection.out.data() + connection.sent, connection.out.size() - connection.sent,
                                  MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            reactor()->modifyFd(key(), fd, polling::NotifyOn::Read | polling::NotifyOn::Write, polling::Mode::Edge);
            return;
        }
        if (count < 0) {
            hang_up(fd, connection);
            return;
        }
        connection.sent += static_cast<std::size_t>(count);
    }
    connection.out.clear();
    connection.sent = 0;
    if (connection.closing) hang_up(fd, connection);
    else pump(fd, connection);
}

// Pistache closes the descriptor when it reads the end that this makes. Never from here: its reading loop may be
// below us on the stack.
void ApiTransport::hang_up(int fd, Connection& connection) {
    connection.closing = true;
    ::shutdown(fd, SHUT_RDWR);
}

void ApiTransport::obey(Order order) {
    if (order == Order::kDrain) draining_ = true;
    const auto oldest = steady_clock::now() - shared_->config.request_timeout;
    for (auto& [fd, connection] : connections_) {
        const bool arriving = connection.incomplete_since != steady_clock::time_point{};
        if (connection.exchange != 0 || !connection.out.empty()) continue;
        if (order == Order::kDrain || (arriving && connection.incomplete_since < oldest)) hang_up(fd, connection);
    }
}

void ApiTransport::close_all() {
    mailbox_->close();
    for (const auto& [fd, connection] : connections_) ::close(fd);
    connections_.clear();
}

class PistacheServer final : public HttpServer {
   public:
    PistacheServer(std::shared_ptr<Shared> shared, std::unique_ptr<UnixListener> listener)
        : shared_(std::move(shared)), listener_(std::move(listener)) {
        reactor_ = Pistache::Aio::Reactor::create();
        reactor_->init(Pistache::Aio::AsyncContext(shared_->config.threads, "http"));
        const auto key = reactor_->addHandler(std::make_shared<ApiTransport>(shared_));
        for (const auto& handler : reactor_->handlers(key))
            transports_.push_back(std::dynamic_pointer_cast<ApiTransport>(handler));
        reactor_->run();
        listener_->run([this](UniqueFd socket) { accepted(std::move(socket)); }, [this] { order(Order::kSweep); });
    }

    ~PistacheServer() override { stop(std::chrono::milliseconds(0)); }

    bool stop(std::chrono::milliseconds deadline) override {
        if (!reactor_) return true;
        listener_->stop();
        order(Order::kDrain);
        const auto end = steady_clock::now() + deadline;
        while (shared_->connections != 0 && steady_clock::now() < end)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        const bool drained = shared_->connections == 0;
        reactor_->shutdown();
        reactor_.reset();  // joins
        for (const auto& transport : transports_) transport->close_all();
        return drained;
    }

    HttpCounters counters() const override {
        return {.connections = shared_->connections,
                .in_flight = shared_->in_flight,
                .answers_dropped = shared_->answers_dropped,
                .requests_refused = shared_->requests_refused,
                .connections_refused = shared_->connections_refused,
                .accept_failures = listener_->accept_failures()};
    }

   private:
    void accepted(UniqueFd socket) {
        if (shared_->connections >= shared_->config.connection_limit) {
            ++shared_->connections_refused;
            return;  // closed
        }
        ++shared_->connections;
        transports_[next_++ % transports_.size()]->mailbox()->post(std::move(socket));
    }
    void order(Order what) {
        for (const auto& transport : transports_) transport->mailbox()->post(what);
    }

    const std::shared_ptr<Shared> shared_;
    const std::unique_ptr<UnixListener> listener_;
    std::shared_ptr<Pistache::Aio::Reactor> reactor_;
    std::vector<std::shared_ptr<ApiTransport>> transports_;
    std::size_t next_ = 0;  // the listener's thread only
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerConfig config, Handler handler, Logger& logger) {
    SIGILLO_ASSIGN(auto listener, UnixListener::bind(config.socket, config.socket_mode, logger));
    try {
        auto shared = std::make_shared<Shared>(std::move(config), std::move(handler), logger);
        return std::make_unique<PistacheServer>(std::move(shared), std::move(listener));
    } catch (const std::exception& e) {
        return fail(Errc::kUnavailable, std::string("cannot start the HTTP server: ") + e.what());
    }
}

}  // namespace sigillo::api
