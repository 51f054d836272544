#include "appliance/ipc/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "appliance/ipc/frame_writer.h"
#include "appliance/ipc/in_flight.h"
#include "appliance/ipc/unix_socket.h"
#include "appliance/ipc/wake_up.h"

namespace sigillo::ipc {
namespace {

using SteadyClock = std::chrono::steady_clock;

// One connection while it lasts; callers that still send on a lost one write into the void.
struct Link {
    Link(UniqueFd descriptor, std::size_t frame_limit, std::size_t backlog_limit, const WakeUp& wake_up)
        : fd(std::move(descriptor)),
          reader(frame_limit),
          writer(fd.get(), backlog_limit, [&wake_up] { wake_up.signal(); }) {}
    const UniqueFd fd;
    FrameReader reader;  // the client's thread
    FrameWriter writer;
};

class ReconnectingClient final : public Client {
 public:
    explicit ReconnectingClient(ClientConfig config) : config_(std::move(config)) {
        connect();
        thread_ = std::thread([this] { run(); });
    }
    ~ReconnectingClient() override {
        stopping_ = true;
        wake_up_.signal();
        thread_.join();
    }

    void call(std::uint64_t id, ByteView payload, Callback callback) override;
    std::uint64_t next_id() override { return ++last_id_; }
    bool connected() const override {
        const std::lock_guard lock(mutex_);
        return link_ != nullptr;
    }

 private:
    struct Refusal {
        Callback callback;
        Error error;
    };

    void run();
    void connect();
    void disconnect(const Error& reason);
    void receive(Link& link);
    void refuse(Callback callback, Error error);
    void answer_refused_and_expired();
    int poll_timeout() const;

    const ClientConfig config_;
    const WakeUp wake_up_;
    std::atomic<std::uint64_t> last_id_{0};
    std::atomic<bool> stopping_{false};
    SteadyClock::time_point last_attempt_{};  // the client's thread

    mutable std::mutex mutex_;
    // guarded by mutex_:
    std::shared_ptr<Link> link_;  // null while not connected; set and cleared by the client's thread
    Error why_not_connected_;
    InFlight in_flight_;
    std::vector<Refusal> refused_;  // to be answered on the client's thread

    std::thread thread_;
};

void ReconnectingClient::call(std::uint64_t id, ByteView payload, Callback callback) {
    if (message_id(payload) != id)
        return refuse(std::move(callback),
                      {Errc::kInternal, "the request's id is not the one it is called with"});
    if (payload.size() > config_.frame_limit)
        return refuse(std::move(callback),
                      {Errc::kLimitExceeded, "the request is longer than a frame may be"});
    std::shared_ptr<Link> link;
    {
        std::unique_lock lock(mutex_);
        Error error;
        if (link_ == nullptr) {
            error = why_not_connected_;
        } else if (in_flight_.size() >= config_.in_flight_limit) {
            error = {Errc::kUnavailable, "too many requests in flight to " + config_.path};
        } else if (in_flight_.contains(id)) {
            error = {Errc::kInternal, "the request's id is in flight already"};
        } else {
            link = link_;
            in_flight_.add(id, SteadyClock::now() + config_.deadline, std::move(callback));
        }
        if (link == nullptr) {
            lock.unlock();
            return refuse(std::move(callback), std::move(error));
        }
    }
    // When the link breaks, before or after this, disconnect() answers for everything in flight.
    if (link->writer.send(payload) == FrameWriter::Outcome::kFull) {
        std::unique_lock lock(mutex_);
        Callback taken = in_flight_.take(id);
        lock.unlock();
        if (taken)
            refuse(std::move(taken), {Errc::kUnavailable, "sigillod does not read from " + config_.path});
    }
}

void ReconnectingClient::refuse(Callback callback, Error error) {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = refused_.empty();
        refused_.push_back({std::move(callback), std::move(error)});
    }
    if (first) wake_up_.signal();
}

void ReconnectingClient::connect() {
    last_attempt_ = SteadyClock::now();
    Result<UniqueFd> fd = connect_unix(config_.path);
    const std::lock_guard lock(mutex_);
    if (fd) {
        link_ = std::make_shared<Link>(*std::move(fd), config_.frame_limit, config_.backlog_limit, wake_up_);
    } else {
        why_not_connected_ = std::move(fd).error();
    }
}

void ReconnectingClient::disconnect(const Error& reason) {
    std::vector<Callback> lost;
    std::shared_ptr<Link> link;
    {
        const std::lock_guard lock(mutex_);
        link = std::exchange(link_, nullptr);
        why_not_connected_ = reason;
        lost = in_flight_.take_all();
    }
    if (link != nullptr) {
        link->writer.abandon();
        ::shutdown(link->fd.get(), SHUT_RDWR);
    }
    for (const Callback& callback : lost) callback(std::unexpected(reason));
}

void ReconnectingClient::receive(Link& link) {
    std::array<std::uint8_t, std::size_t{64} << 10> chunk;
    const auto got = ::recv(link.fd.get(), chunk.data(), chunk.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
    if (got <= 0) {
        const int number = got < 0 ? errno : 0;
        return disconnect(
            {Errc::kUnavailable, "sigillod closed the connection at " + config_.path, {}, number});
    }
    link.reader.feed(ByteView(chunk.data(), static_cast<std::size_t>(got)));
    for (;;) {
        Result<std::optional<Bytes>> frame = link.reader.next();
        if (frame && !*frame) return;
        const auto id = frame ? message_id(**frame) : std::nullopt;
        if (!id)
            return disconnect({Errc::kUnavailable, "what answers at " + config_.path +
                                                       " does not speak this protocol" +
                                                       (frame ? "" : ": " + frame.error().detail)});
        Callback callback;
        {
            const std::lock_guard lock(mutex_);
            callback = in_flight_.take(*id);
        }
        if (callback) callback(**std::move(frame));  // else its deadline has passed: it was answered
    }
}

void ReconnectingClient::answer_refused_and_expired() {
    std::vector<Refusal> refused;
    std::vector<Callback> expired;
    {
        const std::lock_guard lock(mutex_);
        refused.swap(refused_);
        expired = in_flight_.take_expired(SteadyClock::now());
    }
    for (Refusal& refusal : refused) refusal.callback(std::unexpected(std::move(refusal.error)));
    for (const Callback& callback : expired)
        callback(fail(Errc::kInternal, "no answer from " + config_.path + " within " +
                                           std::to_string(config_.deadline.count()) + " ms"));
}

// Milliseconds until the next deadline or attempt. call() does not wake this thread, which would cost a
// change of threads a request: so it looks by itself at least eight times a deadline.
int ReconnectingClient::poll_timeout() const {
    const std::lock_guard lock(mutex_);
    const auto now = SteadyClock::now();
    SteadyClock::time_point next = now + config_.deadline / 8;
    if (const auto deadline = in_flight_.next_deadline()) next = std::min(next, *deadline);
    if (link_ == nullptr) next = std::min(next, last_attempt_ + config_.reconnect_pause);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now);
    return static_cast<int>(std::max<std::int64_t>(1, wait.count()));
}

void ReconnectingClient::run() {
    while (!stopping_) {
        std::shared_ptr<Link> link;
        {
            const std::lock_guard lock(mutex_);
            link = link_;
        }
        if (link == nullptr && SteadyClock::now() >= last_attempt_ + config_.reconnect_pause) {
            connect();
            continue;
        }
        std::array<pollfd, 2> polled{};
        polled[0] = {wake_up_.fd(), POLLIN, 0};
        polled[1] = {link == nullptr ? -1 : link->fd.get(), POLLIN, 0};
        if (link != nullptr && link->writer.waiting()) polled[1].events |= POLLOUT;
        ::poll(polled.data(), polled.size(), poll_timeout());
        if ((polled[0].revents & POLLIN) != 0) wake_up_.clear();
        if (link != nullptr) {
            if ((polled[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) receive(*link);
            if ((polled[1].revents & POLLOUT) != 0) link->writer.resume();
            // A writer found the connection broken: what can still be read was read above.
            if (link->writer.broken())
                disconnect({Errc::kUnavailable, "the connection to " + config_.path + " was lost"});
        }
        answer_refused_and_expired();
    }
    disconnect({Errc::kUnavailable, "this client is shutting down"});
    answer_refused_and_expired();
}

}  // namespace

std::unique_ptr<Client> Client::create(ClientConfig config) {
    return std::make_unique<ReconnectingClient>(std::move(config));
}

}  // namespace sigillo::ipc
