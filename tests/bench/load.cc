#include "tests/bench/load.h"

#include <poll.h>
#include <sys/epoll.h>

#include <array>
#include <deque>
#include <stdexcept>
#include <thread>

namespace sigillo::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Loop {
   public:
    Loop(const Endpoint& endpoint, const LoadPlan& plan, Work& work)
        : plan_(plan), work_(work), tls_(endpoint), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        for (std::size_t slot = 0; slot < plan.connections; ++slot) {
            slots_.push_back({HttpsConnection(tls_, endpoint.port), {}, false, false});
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = slot;
            if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, slots_.back().connection.fd(), &event) != 0)
                throw std::runtime_error("epoll_ctl failed");
        }
    }

    LoadResult run() {
        const auto start = SteadyClock::now();
        measured_from_ = start + plan_.warm_up;
        const auto end = plan_.duration.count() == 0 ? SteadyClock::time_point::max() : measured_from_ + plan_.duration;
        if (plan_.warm_up.count() == 0) begin_measuring();
        for (std::size_t slot = 0; slot < slots_.size(); ++slot) begin(slot);
        std::array<epoll_event, 64> events;
        while (busy_ > 0 && (now_ = SteadyClock::now()) < end) {
            if (!measuring_ && now_ >= measured_from_) begin_measuring();
            const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 1000);
            now_ = SteadyClock::now();
            for (int i = 0; i < count; ++i) advance(events[static_cast<std::size_t>(i)].data.u64);
        }
        return result();
    }

   private:
    struct Slot {
        HttpsConnection connection;
        SteadyClock::time_point began;
        bool busy;
        bool watches_writing;
    };

    void begin_measuring() {
        measuring_ = true;
        measured_from_ = SteadyClock::now();
        cpu_before_ = cpu_seconds(plan_.pids);
    }

    void begin(std::size_t number) {
        Slot& slot = slots_[number];
        auto request = work_.begin(number);
        if (slot.busy != request.has_value()) busy_ += request ? 1 : -1;
        slot.busy = request.has_value();
        if (!request) return;
        slot.began = SteadyClock::now();
        send(number, *std::move(request));
    }

    void send(std::size_t number, std::string request) {
        slots_[number].connection.send(std::move(request));
        watch(number);
    }

    // EPOLLOUT only while something waits to be written: a request fits into the socket's buffer almost always.
    void watch(std::size_t number) {
        Slot& slot = slots_[number];
        if (slot.watches_writing == slot.connection.wants_to_write()) return;
        slot.watches_writing = slot.connection.wants_to_write();
        epoll_event event{};
        event.events = slot.watches_writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
        event.data.u64 = number;
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, slot.connection.fd(), &event) != 0)
            throw std::runtime_error("epoll_ctl failed");
    }

    void advance(std::size_t number) {
        Slot& slot = slots_[number];
        const HttpAnswer answer = slot.connection.advance();
        if (answer.status == 0) return watch(number);
        if (!slot.busy) throw std::runtime_error("an answer that nobody asked for");
        if (auto request = work_.go_on(number, answer)) return send(number, *std::move(request));
        if (measuring_) {
            latencies_.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - slot.began).count());
            done_ += work_.weight();
        }
        begin(number);
    }

    LoadResult result() {
        const double seconds = std::chrono::duration<double>(SteadyClock::now() - measured_from_).count();
        const double cpu = cpu_seconds(plan_.pids) - cpu_before_;
        LoadResult result;
        result.done = done_;
        if (done_ == 0) throw std::runtime_error("nothing was completed in the measured time");
        result.rate = static_cast<double>(done_) / seconds;
        result.p50_ms = percentile(latencies_, 0.50);
        result.p99_ms = percentile(latencies_, 0.99);
        result.cpu_us_per_op = cpu * 1e6 / static_cast<double>(done_);
        return result;
    }

    const LoadPlan& plan_;
    Work& work_;
    TlsContext tls_;
    UniqueFd epoll_;
    std::deque<Slot> slots_;
    int busy_ = 0;
    bool measuring_ = false;
    SteadyClock::time_point now_;
    SteadyClock::time_point measured_from_;
    double cpu_before_ = 0;
    std::uint64_t done_ = 0;
    std::vector<double> latencies_;
};

HttpAnswer ask_once(HttpsConnection& connection, std::string_view path) {
    constexpr int kPatienceMs = 5000;
    connection.send(get_request(path));
    for (;;) {
        pollfd poll{connection.fd(), POLLIN, 0};
        if (::poll(&poll, 1, kPatienceMs) != 1) throw std::runtime_error("no answer");
        if (const HttpAnswer answer = connection.advance(); answer.status != 0) return answer;
    }
}

}  // namespace

LoadResult run_load(const Endpoint& endpoint, const LoadPlan& plan, Work& work) {
    return Loop(endpoint, plan, work).run();
}

std::chrono::milliseconds wait_for_ok(const Endpoint& endpoint, std::string_view path, std::chrono::milliseconds patience) {
    const auto start = SteadyClock::now();
    const TlsContext tls(endpoint);
    HttpsConnection connection(tls, endpoint.port);
    while (ask_once(connection, path).status != 200) {
        if (SteadyClock::now() - start > patience) throw std::runtime_error(std::string(path) + " does not become 200");
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - start);
}

}  // namespace sigillo::bench
