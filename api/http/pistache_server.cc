// HttpServer on Pistache's reactors: an ApiTransport a thread, one listener that deals sockets out to them.
#include <thread>
#include <vector>

#include "api/http/api_transport.h"
#include "api/http/listener.h"
#include "api/http/server.h"

namespace sigillo::api {
namespace {

using std::chrono::steady_clock;

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
        listener_->run([this](UniqueFd socket) { accepted(std::move(socket)); },
                       [this] { order(Order::kSweep); });
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

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerConfig config, Handler handler,
                                                      Logger& logger, std::vector<Companion> companions) {
    SIGILLO_ASSIGN(auto listener, UnixListener::bind(config.socket, config.socket_mode, logger));
    try {
        auto shared =
            std::make_shared<Shared>(std::move(config), std::move(handler), std::move(companions), logger);
        return std::make_unique<PistacheServer>(std::move(shared), std::move(listener));
    } catch (const std::exception& e) {
        return fail(Errc::kUnavailable, std::string("cannot start the HTTP server: ") + e.what());
    }
}

}  // namespace sigillo::api
