#include "appliance/ipc/connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "appliance/ipc/sam.pb.h"

namespace sigillo::ipc {
namespace {

// All responses of sam.proto have their id and error at the same places.
Bytes error_answer(std::uint64_t request, Errc code, std::string detail, std::string field) {
    sam::SigningResponse response;
    response.set_id(request);
    response.mutable_error()->set_code(static_cast<std::uint32_t>(code));
    response.mutable_error()->set_detail(std::move(detail));
    response.mutable_error()->set_field(std::move(field));
    return to_bytes(response.SerializeAsString());
}

}  // namespace

void Attention::ask(std::uint64_t connection) {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = asked_.empty();
        asked_.push_back(connection);
    }
    if (first) wake_up_.signal();
}

std::vector<std::uint64_t> Attention::take() {
    wake_up_.clear();
    const std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
}

// What a Reply holds: answers once, and in any case.
class Connection::Ticket {
 public:
    Ticket(std::shared_ptr<Connection> connection, std::uint64_t request, std::size_t size)
        : connection_(std::move(connection)), request_(request), size_(size) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() {
        if (!answered_.exchange(true))
            connection_->finish(
                error_answer(request_, Errc::kInternal, "the request was dropped without an answer", ""),
                size_);
    }
    void answer(const Bytes& payload) {
        if (answered_.exchange(true)) return;
        if (payload.empty() || payload.size() > connection_->frame_limit_) {
            connection_->finish(
                error_answer(request_, Errc::kLimitExceeded,
                             "the answer has " + std::to_string(payload.size()) +
                                 " bytes, a frame from 1 to " + std::to_string(connection_->frame_limit_) +
                                 ": ask for less at once",
                             "limit"),
                size_);
        } else {
            connection_->finish(payload, size_);
        }
    }

 private:
    const std::shared_ptr<Connection> connection_;
    const std::uint64_t request_;
    const std::size_t size_;  // bytes of the request
    std::atomic<bool> answered_{false};
};

Connection::Connection(std::uint64_t id, UniqueFd fd, Peer peer, const ServerConfig& config,
                       std::shared_ptr<Attention> attention)
    : id_(id),
      fd_(std::move(fd)),
      peer_(peer),
      frame_limit_(config.frame_limit),
      in_flight_limit_(config.in_flight_limit),
      in_flight_bytes_(config.in_flight_bytes),
      attention_(std::move(attention)),
      reader_(config.frame_limit),
      writer_(fd_.get(), config.backlog_limit, [this] { ask(); }) {}

void Connection::hang_up() {
    writer_.abandon();
    ::shutdown(fd_.get(), SHUT_RDWR);
}

Reply Connection::begin(std::uint64_t request, std::size_t size) {
    ++requests_;
    bytes_ += size;
    ++attention_->in_flight;
    return [ticket = std::make_shared<Ticket>(shared_from_this(), request, size)](const Bytes& payload) {
        ticket->answer(payload);
    };
}

void Connection::finish(ByteView payload, std::size_t size) {
    // An answer that comes alone leaves at once. While more are in the making the polling thread writes: what
    // is ready by then leaves together, and the peer wakes up once for all of it.
    const bool alone = requests_ == 1 && std::this_thread::get_id() != attention_->poller.load();
    const auto outcome =
        writer_.send(payload, alone ? FrameWriter::When::kNow : FrameWriter::When::kOnResume);
    bool look = !alone;
    if (outcome == FrameWriter::Outcome::kFull) {
        overflowed_ = true;
        look = true;
    }
    --requests_;
    bytes_ -= size;
    --attention_->in_flight;
    // Reading goes on when half of what may be in flight is free: not one wake-up an answer.
    if (paused_ && requests_ <= in_flight_limit_ / 2 && bytes_ <= in_flight_bytes_ / 2) look = true;
    if (attention_->draining) look = true;
    if (look) ask();
}

// Once until the polling thread looks.
void Connection::ask() {
    if (!asked_.exchange(true)) attention_->ask(id_);
}

bool Connection::wants_to_read() const {
    return !attention_->draining && requests_ < in_flight_limit_ && bytes_ < in_flight_bytes_;
}

Result<bool> Connection::receive(const Handler& handler) {
    // One read a round and connection, so that a busy peer does not starve the others; epoll reports the rest
    // again.
    std::array<std::uint8_t, std::size_t{64} << 10> chunk;
    const auto got = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
    if (got == 0) return false;
    if (got < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return true;
        if (errno == ECONNRESET) return false;
        return std::unexpected(errno_error(errno, "read"));
    }
    reader_.feed(ByteView(chunk.data(), static_cast<std::size_t>(got)));
    return dispatch(handler);
}

Result<bool> Connection::dispatch(const Handler& handler) {
    for (;;) {
        // `paused_` first, then the count again: an answer that comes between the two sees the flag and asks.
        if (!wants_to_read()) {
            paused_ = true;
            if (!wants_to_read()) return true;
        }
        paused_ = false;
        SIGILLO_ASSIGN(std::optional<Bytes> frame, reader_.next());
        if (!frame) return true;
        const std::optional<std::uint64_t> request = message_id(*frame);
        if (!request) return fail(Errc::kInvalidArgument, "a frame that does not begin with an id");
        const std::size_t size = frame->size();
        handler(peer_, *std::move(frame), begin(*request, size));
    }
}

}  // namespace sigillo::ipc
