// A reactor thread's connections. The only file that includes Pistache: its headers need GCC.
//
// Pistache 0.0.5 gives the reactors, the connections' bookkeeping and the HTTP parser. These are ours:
// - Accepted unix sockets, answers and orders reach a reactor thread through its Mailbox, and all that
//   concerns a connection happens on that thread. From any other, Pistache crosses answers.
// - RequestGate decides where a request ends.
// - Reading, one system call a request. Pistache's takes two, and four allocations.
// - Answers are written here. Pistache's own writer, when the socket's buffer is full, spins on EAGAIN,
//   holds its lock and copies the rest each time round: one reader that stalls stops the whole reactor.
// - Both do a bounded piece of a connection at a time: a large document does not keep the other connections
//   of the thread waiting.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/http/mailbox.h"
#include "api/http/server.h"

// Last, and its macro away again: `unreachable`, which breaks std::unreachable() of a <utility> read later.
#include <pistache/http.h>
#include <pistache/peer.h>
#include <pistache/reactor.h>
#include <pistache/transport.h>
#undef unreachable

namespace sigillo::api {

// What all reactors of a server share. Constant after construction, but for the atomics.
struct Shared {
    Shared(HttpServerConfig c, HttpServer::Handler h, std::vector<HttpServer::Companion> k, Logger& l)
        : config(std::move(c)), handler(std::move(h)), companions(std::move(k)), logger(l) {}
    const HttpServerConfig config;
    const HttpServer::Handler handler;
    const std::vector<HttpServer::Companion> companions;
    Logger& logger;
    std::atomic<std::size_t> clones{0};  // transports of reactor threads
    std::atomic<std::uint64_t> connections{0}, in_flight{0}, answers_dropped{0}, requests_refused{0},
        connections_refused{0};
};

struct Connection {
    Connection(GateLimits limits, bool with_certificate) : gate(limits, with_certificate) {}
    RequestGate gate;
    std::uint64_t exchange = 0;  // in flight, or 0
    bool keep_alive = true;      // of the request in flight
    bool closing = false;        // shut down once `out` has gone; what still comes in is ignored
    std::string out;             // of the answer: its head, and its body unless that is in a file
    std::size_t sent = 0;
    std::shared_ptr<SpoolFile> file;  // follows `out`
    std::uint64_t file_sent = 0;
    bool answering() const { return !out.empty() || file != nullptr; }
    std::chrono::steady_clock::time_point incomplete_since{};  // when a request began to arrive; zero: none
};

class ApiTransport;

// Passes Pistache's hang-ups, and what it may still read before them, to the transport of the same thread.
class ApiHandler final : public Pistache::Http::Handler {
 public:
    HTTP_PROTOTYPE(ApiHandler)
    explicit ApiHandler(std::size_t head_limit) { setMaxRequestSize(head_limit); }
    void attach(ApiTransport* transport) { transport_ = transport; }
    void onRequest(const Pistache::Http::Request&, Pistache::Http::ResponseWriter) override {}  // see onInput

 private:
    void onInput(const char* buffer, std::size_t size,
                 const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;
    void onDisconnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) override;
    ApiTransport* transport_ = nullptr;
};

// One a reactor thread. Every member but mailbox() is used on that thread only, once it runs.
class ApiTransport final : public Pistache::Tcp::Transport {
 public:
    explicit ApiTransport(std::shared_ptr<Shared> shared, HttpServer::Companion companion = {})
        : ApiTransport(shared, std::move(companion),
                       std::make_shared<ApiHandler>(shared->config.limits.head_bytes)) {}

    std::shared_ptr<Pistache::Aio::Handler> clone() const override;
    void registerPoller(Pistache::Polling::Epoll& poller) override;
    void onReady(const Pistache::Aio::FdSet& fds) override;

    const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }
    void input(int fd, std::string_view bytes);
    void disconnected(int fd);
    void close_all();  // once the reactor has ended

 private:
    ApiTransport(std::shared_ptr<Shared> shared, HttpServer::Companion companion,
                 std::shared_ptr<ApiHandler> handler)
        : Transport(handler),
          shared_(std::move(shared)),
          companion_(std::move(companion)),
          handler_(std::move(handler)) {
        handler_->attach(this);
    }
    void event(const Pistache::Aio::FdSet::Entry& entry);
    bool read_in(int fd);
    void open_mail();
    void open(Mail& item);
    void adopt(UniqueFd socket);
    void answer(Answer answer);
    void obey(Order order);
    void pump(int fd, Connection& connection);
    void dispatch(int fd, Connection& connection, GatedRequest gated);
    std::optional<Request> parse(int fd, GatedRequest gated);
    void reply(int fd, Connection& connection, const Response& response, bool keep_alive);
    void write_out(int fd, Connection& connection);
    bool write_file(int fd, Connection& connection);
    void wait_until_writable(int fd);
    void go_on();
    void go_on(int fd);
    void end_at_peer(int fd);
    void hang_up(int fd, Connection& connection);

    const std::shared_ptr<Shared> shared_;
    const HttpServer::Companion companion_;
    const std::shared_ptr<ApiHandler> handler_;
    const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
    std::vector<Mail> mail_;                            // being opened
    std::unordered_map<int, Connection> connections_;   // by descriptor
    std::unordered_map<std::uint64_t, int> exchanges_;  // in flight
    std::uint64_t next_exchange_ = 1;
    std::vector<int> unfinished_;  // connections with more to read or write, whose turn was over
    bool draining_ = false;
};

}  // namespace sigillo::api
