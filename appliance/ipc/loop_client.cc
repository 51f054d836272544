#include "appliance/ipc/loop_client.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "appliance/ipc/unix_socket.h"

namespace sigillo::ipc {
namespace {

using SteadyClock = std::chrono::steady_clock;

UniqueFd demanded(int fd, const char* what) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
    return UniqueFd(fd);
}

}  // namespace

// One connection while it lasts; callers that still send on a lost one write into the void.
struct LoopClient::Link {
    Link(UniqueFd descriptor, std::size_t frame_limit, std::size_t backlog_limit, const WakeUp& wake_up)
        : fd(std::move(descriptor)),
          reader(frame_limit),
          writer(fd.get(), backlog_limit, [&wake_up] { wake_up.signal(); }) {}
    const UniqueFd fd;
    FrameReader reader;  // the loop's thread
    FrameWriter writer;
    bool polled_for_room = false;  // the loop's thread
    bool unsent = false;           // the loop's thread: it queued something for flush()
};

LoopClient::LoopClient(ClientConfig config)
    : config_(std::move(config)),
      timer_(demanded(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")),
      epoll_(demanded(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    watch(EPOLL_CTL_ADD, wake_up_.fd(), EPOLLIN);
    watch(EPOLL_CTL_ADD, timer_.get(), EPOLLIN);
    connect();
}

LoopClient::~LoopClient() {
    close();
}

void LoopClient::close() {
    disconnect({Errc::kUnavailable, "this client is shutting down"});
    answer_refused_and_expired();
}

bool LoopClient::connected() const {
    const std::lock_guard lock(mutex_);
    return link_ != nullptr;
}

void LoopClient::watch(int operation, int fd, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), operation, fd, &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

// call() does not set the timer for its deadline, which would cost a system call a request: the loop looks by
// itself eight times a deadline.
void LoopClient::tick_every(std::chrono::milliseconds interval) {
    interval = std::max(interval, std::chrono::milliseconds(1));
    itimerspec when{};
    when.it_interval.tv_sec = interval.count() / 1000;
    when.it_interval.tv_nsec = interval.count() % 1000 * 1'000'000;
    when.it_value = when.it_interval;
    if (::timerfd_settime(timer_.get(), 0, &when, nullptr) != 0)
        throw std::system_error(errno, std::generic_category(), "timerfd_settime");
}

void LoopClient::call(std::uint64_t id, ByteView payload, Callback callback) {
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
    const bool waits = on_loop();
    if (waits) link->unsent = true;
    if (link->writer.send(payload, waits ? FrameWriter::When::kOnResume : FrameWriter::When::kNow) ==
        FrameWriter::Outcome::kFull) {
        std::unique_lock lock(mutex_);
        Callback taken = in_flight_.take(id);
        lock.unlock();
        if (taken)
            refuse(std::move(taken), {Errc::kUnavailable, "sigillod does not read from " + config_.path});
    }
}

void LoopClient::refuse(Callback callback, Error error) {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = refused_.empty();
        refused_.push_back({std::move(callback), std::move(error)});
    }
    if (first) wake_up_.signal();
}

void LoopClient::connect() {
    Result<UniqueFd> fd = connect_unix(config_.path);
    if (fd) {
        auto link =
            std::make_shared<Link>(*std::move(fd), config_.frame_limit, config_.backlog_limit, wake_up_);
        watch(EPOLL_CTL_ADD, link->fd.get(), EPOLLIN);
        tick_every(config_.deadline / 8);
        const std::lock_guard lock(mutex_);
        link_ = std::move(link);
    } else {
        tick_every(config_.reconnect_pause);
        const std::lock_guard lock(mutex_);
        why_not_connected_ = std::move(fd).error();
    }
}

void LoopClient::disconnect(const Error& reason) {
    std::vector<Callback> lost;
    std::shared_ptr<Link> link;
    {
        const std::lock_guard lock(mutex_);
        link = std::exchange(link_, nullptr);
        why_not_connected_ = reason;
        lost = in_flight_.take_all();
    }
    if (link != nullptr) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, link->fd.get(), nullptr);
        link->writer.abandon();
        ::shutdown(link->fd.get(), SHUT_RDWR);
        tick_every(config_.reconnect_pause);
    }
    for (const Callback& callback : lost) callback(std::unexpected(reason));
}

void LoopClient::receive(Link& link) {
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

void LoopClient::answer_refused_and_expired() {
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

// Polls for room in the socket as long as the writer waits for it; notices that the writer found it broken.
void LoopClient::settle(Link& link) {
    if (link.writer.broken())  // what could still be read was read before
        return disconnect({Errc::kUnavailable, "the connection to " + config_.path + " was lost"});
    const bool wanted = link.writer.waiting();
    if (wanted == link.polled_for_room) return;
    link.polled_for_room = wanted;
    watch(EPOLL_CTL_MOD, link.fd.get(), wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void LoopClient::serve(Link& link, std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(link);
    if ((events & EPOLLOUT) != 0) link.writer.resume();
}

void LoopClient::turn() {
    loop_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    std::shared_ptr<Link> link;
    {
        const std::lock_guard lock(mutex_);
        link = link_;
    }
    bool other = false;  // than the usual: answers have come
    bool ticked = false;
    std::array<epoll_event, 3> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events.at(static_cast<std::size_t>(i));
        if (event.data.fd == wake_up_.fd()) {
            wake_up_.clear();
            other = true;
        } else if (event.data.fd == timer_.get()) {
            std::uint64_t times = 0;
            ticked = ::read(timer_.get(), &times, sizeof times) > 0;
            other = true;
        } else if (link != nullptr) {
            serve(*link, event.events);
            other = other || event.events != EPOLLIN;
        }
    }
    if (!other) return;
    if (link != nullptr && connected()) settle(*link);
    if (link == nullptr && ticked) connect();
    answer_refused_and_expired();
}

void LoopClient::flush() {
    loop_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    std::shared_ptr<Link> link;
    {
        const std::lock_guard lock(mutex_);
        link = link_;
    }
    if (link != nullptr && std::exchange(link->unsent, false)) link->writer.resume();
}

}  // namespace sigillo::ipc
