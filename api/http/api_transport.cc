#include "api/http/api_transport.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <variant>
#include <vector>

#include "appliance/base/secret.h"

namespace sigillo::api {
namespace {

using std::chrono::steady_clock;
namespace polling = Pistache::Polling;

Method method_of(Pistache::Http::Method method) {
    switch (method) {
        case Pistache::Http::Method::Get:
            return Method::kGet;
        case Pistache::Http::Method::Post:
            return Method::kPost;
        case Pistache::Http::Method::Put:
            return Method::kPut;
        case Pistache::Http::Method::Delete:
            return Method::kDelete;
        default:
            return Method::kOther;
    }
}

std::string serialise(const Response& response, bool keep_alive) {
    std::string out = "HTTP/1.1 " + std::to_string(response.status) + ' ' +
                      Pistache::Http::codeString(static_cast<Pistache::Http::Code>(response.status)) + "\r\n";
    out.reserve(out.size() + response.body.size() + 256);
    if (!response.content_type.empty()) out += "Content-Type: " + response.content_type + "\r\n";
    for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
    const std::uint64_t length = response.body_file ? response.body_file->size() : response.body.size();
    if (response.status != 204) out += "Content-Length: " + std::to_string(length) + "\r\n";
    out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    if (response.status != 204) out += response.body;
    return out;
}

}  // namespace

void ApiHandler::onInput(const char* buffer, std::size_t size,
                         const std::shared_ptr<Pistache::Tcp::Peer>& peer) {
    transport_->input(peer->fd(), {buffer, size});
}

void ApiHandler::onDisconnection(const std::shared_ptr<Pistache::Tcp::Peer>& peer) {
    transport_->disconnected(peer->fd());
}

void ApiTransport::registerPoller(polling::Epoll& poller) {
    Transport::registerPoller(poller);
    const int fd = mailbox_->event_fd();
    poller.addFd(fd, Pistache::Flags<polling::NotifyOn>(polling::NotifyOn::Read),
                 polling::Tag(static_cast<std::uint64_t>(fd)));
    if (companion_.fd >= 0)
        poller.addFd(companion_.fd, Pistache::Flags<polling::NotifyOn>(polling::NotifyOn::Read),
                     polling::Tag(static_cast<std::uint64_t>(companion_.fd)));
}

std::shared_ptr<Pistache::Aio::Handler> ApiTransport::clone() const {
    const std::size_t index = shared_->clones++;
    return std::make_shared<ApiTransport>(
        shared_, index < shared_->companions.size() ? shared_->companions[index] : HttpServer::Companion{});
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
    open_mail();
    go_on();
    if (!companion_.end_of_round) return;
    try {
        companion_.end_of_round();
    } catch (const std::exception& e) {
        shared_->logger.error("transport_fault", {{"what", e.what()}});
    }
}

void ApiTransport::event(const Pistache::Aio::FdSet::Entry& entry) {
    const auto tag = entry.getTag();
    const int fd = static_cast<int>(tag.value());
    if (fd == mailbox_->event_fd()) return;  // read by open_mail()
    if (fd == companion_.fd) return companion_.turn();
    polling::Event for_base(tag);
    if (const auto found = connections_.find(fd); found != connections_.end()) {
        if (entry.isWritable()) write_out(fd, found->second);
        if (!entry.isReadable() && !entry.isHangup())
            return;  // Pistache throws on writes that are not its own
        if (entry.isReadable() && !entry.isHangup() && read_in(fd)) return;
        for_base.flags.setFlag(polling::NotifyOn::Read);
    } else if (entry.isReadable()) {
        for_base.flags.setFlag(polling::NotifyOn::Read);
    }
    std::vector<polling::Event> one{for_base};
    Transport::onReady(Pistache::Aio::FdSet(std::move(one)));
}

void ApiTransport::open_mail() {
    for (;;) {
        mailbox_->take(mail_);
        if (mail_.empty()) return;
        for (auto& item : mail_) {
            try {
                open(item);
            } catch (const std::exception& e) {
                shared_->logger.error("transport_fault", {{"what", e.what()}});
            }
        }
    }
}

void ApiTransport::open(Mail& item) {
    if (auto* socket = std::get_if<UniqueFd>(&item))
        adopt(std::move(*socket));
    else if (auto* finished = std::get_if<Answer>(&item))
        answer(std::move(*finished));
    else
        obey(std::get<Order>(item));
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

void ApiTransport::input(int fd, std::string_view bytes) {
    const auto found = connections_.find(fd);
    if (found == connections_.end() || found->second.closing) return;
    Connection& connection = found->second;
    connection.gate.feed(bytes);
    pump(fd, connection);
    if (connection.gate.buffered() > connection.gate.buffer_limit()) hang_up(fd, connection);
}

// The next request, unless one is in flight or its answer still on the way: what is sent ahead waits.
void ApiTransport::pump(int fd, Connection& connection) {
    if (connection.exchange != 0 || connection.closing || connection.answering()) return;
    if (auto gated = connection.gate.next()) {
        connection.incomplete_since = {};
        dispatch(fd, connection, std::move(*gated));
    } else if (const auto& refusal = connection.gate.refusal()) {
        ++shared_->requests_refused;
        reply(fd, connection, plain_problem(refusal->status, "Refused", refusal->detail), false);
    } else if (connection.gate.arriving() && connection.incomplete_since == steady_clock::time_point{}) {
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
        request.method = gated.unheard_of_method ? Method::kUnheardOf : method_of(parsed.method());
        request.path = parsed.resource();
        request.query.assign(parsed.query().parameters_begin(), parsed.query().parameters_end());
    } catch (
        const std::exception&) {  // HttpError and what its pieces throw: the request is not HTTP to Pistache
        return std::nullopt;
    }
    parser->reset();
    request.content_type = std::move(gated.content_type).value_or("");
    request.has_idempotency_key = gated.idempotency_key.has_value();
    request.idempotency_key = std::move(gated.idempotency_key).value_or("");
    request.client_certificate = std::move(gated.client_certificate);
    request.body = std::move(gated.body);
    request.body_file = std::move(gated.body_file);
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
    connection.file = response.status == 204 ? nullptr : response.body_file;
    connection.file_sent = 0;
    connection.closing = !keep_alive;
    write_out(fd, connection);
}

void ApiTransport::obey(Order order) {
    if (order == Order::kDrain) draining_ = true;
    const auto oldest = steady_clock::now() - shared_->config.request_timeout;
    for (auto& [fd, connection] : connections_) {
        const bool arriving = connection.incomplete_since != steady_clock::time_point{};
        if (connection.exchange != 0 || connection.answering()) continue;
        if (order == Order::kDrain || (arriving && connection.incomplete_since < oldest))
            hang_up(fd, connection);
    }
}

void ApiTransport::close_all() {
    mailbox_->close();
    for (const auto& [fd, connection] : connections_) ::close(fd);
    connections_.clear();
}

}  // namespace sigillo::api
