#include "tests/bench/load_run.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>

#include "tests/bench/processor_time.h"

namespace sigillo::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Longer than the front end lets a request wait: beyond it the server hangs.
constexpr int kPatienceMs = 70'000;

struct Lane {
    std::unique_ptr<TlsClient> client;
    std::unique_ptr<Conversation> conversation;
    Clock::time_point began;
    bool writing = false;  // EPOLLOUT is asked for
    bool idle = true;
    bool counts = false;  // the operation began before the window closed
};

double percentile(std::vector<std::uint32_t>& sorted_micros, double part) {
    if (sorted_micros.empty()) return 0;
    const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted_micros.size() - 1));
    return static_cast<double>(sorted_micros[at]) / 1000.0;
}

// The window is open for the planned time; an operation counts by the part of it that lies inside, so that
// long ones which end together do not make the rate depend on where the window ends. All that began in it end
// under full load.
class LoadRun {
 public:
    explicit LoadRun(const RunPlan& plan) : plan_(plan) {}

    Result<RunReport> run(const std::function<std::unique_ptr<Conversation>()>& make) {
        SIGILLO_TRY(connect(make));
        opens_ = Clock::now() + plan_.warm_up;
        closes_ = by_number() ? Clock::time_point::max() : opens_ + plan_.measured;
        SIGILLO_TRY(look_at_clock());
        due_ = Clock::now();
        for (Lane& lane : lanes_) SIGILLO_TRY(begin(lane));
        while (busy_ > 0 || (paced() && !closed_)) {
            SIGILLO_TRY(turn());
            SIGILLO_TRY(begin_what_is_due());
            SIGILLO_TRY(look_at_clock());
        }
        if (by_number()) SIGILLO_TRY(close_window(Clock::now()));
        std::ranges::sort(latencies_);
        report_.p50_ms = percentile(latencies_, 0.50);
        report_.p99_ms = percentile(latencies_, 0.99);
        return report_;
    }

 private:
    bool by_number() const { return plan_.operations > 0; }
    bool paced() const { return plan_.rate > 0; }

    Status connect(const std::function<std::unique_ptr<Conversation>()>& make) {
        SIGILLO_ASSIGN(context_, make_context(plan_.endpoint));
        epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
        lanes_.resize(plan_.connections);
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            SIGILLO_ASSIGN(lanes_[i].client, TlsClient::open(context_.get(), plan_.endpoint));
            lanes_[i].conversation = make();
            SIGILLO_TRY(watch(EPOLL_CTL_ADD, i, false));
        }
        return {};
    }

    Status watch(int operation, std::size_t lane, bool writing) {
        epoll_event event{};
        event.events = EPOLLIN | (writing ? EPOLLOUT : 0U);
        event.data.u64 = lane;
        if (::epoll_ctl(epoll_.get(), operation, lanes_[lane].client->fd(), &event) != 0)
            return fail(Errc::kUnavailable, std::string("epoll_ctl: ") + std::strerror(errno));
        return {};
    }

    // Opens and closes the window when its time has come.
    Status look_at_clock() {
        const Clock::time_point now = Clock::now();
        if (!opened_ && now >= opens_) {
            opened_ = true;
            opens_ = now;
            if (!by_number()) closes_ = now + plan_.measured;
            client_before_ = own_processor_time();
            SIGILLO_ASSIGN(server_before_, processor_time(plan_.pids));
        }
        if (opened_ && !closed_ && now >= closes_) SIGILLO_TRY(close_window(now));
        return {};
    }

    Status close_window(Clock::time_point now) {
        closed_ = true;
        report_.seconds = std::chrono::duration<double>(now - opens_).count();
        report_.client_time = own_processor_time() - client_before_;
        SIGILLO_ASSIGN(const auto server, processor_time(plan_.pids));
        report_.server_time = server - server_before_;
        if (!by_number()) closes_ = now;
        return {};
    }

    // When paced: as soon as one is due.
    Status begin(Lane& lane) {
        if (!paced()) return begin_now(lane, Clock::now());
        lane.idle = true;
        resting_.push_back(&lane);
        return {};
    }

    Status begin_what_is_due() {
        if (!paced()) return {};
        const auto interval =
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1.0 / plan_.rate));
        for (; !closed_ && !resting_.empty() && Clock::now() >= due_; due_ += interval) {
            Lane& lane = *resting_.front();
            resting_.pop_front();
            SIGILLO_TRY(begin_now(lane, due_));
        }
        return {};
    }

    Status begin_now(Lane& lane, Clock::time_point since) {
        lane.idle = by_number() ? begun_ == plan_.operations : closed_ && counting_ == 0;
        if (lane.idle) return {};
        ++begun_;
        ++busy_;
        lane.counts = !closed_;
        if (lane.counts) ++counting_;
        lane.conversation->begin();
        lane.began = since;
        return post(lane);
    }

    static Status post(Lane& lane) {
        const Conversation& says = *lane.conversation;
        return lane.client->post(says.path(), says.content_type(), says.body());
    }

    Status turn() {
        std::array<epoll_event, 64> events;
        const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                       paced() ? 1 : kPatienceMs);
        if ((ready < 0 && errno == EINTR) || (ready == 0 && paced())) return {};
        if (ready <= 0) return fail(Errc::kUnavailable, "the server does not answer");
        for (std::size_t i = 0; i < static_cast<std::size_t>(ready); ++i)
            SIGILLO_TRY(serve(static_cast<std::size_t>(events.at(i).data.u64)));
        return {};
    }

    Status serve(std::size_t index) {
        Lane& lane = lanes_[index];
        SIGILLO_ASSIGN(const bool answered, lane.client->proceed());
        if (answered) {
            if (lane.idle) return fail(Errc::kCorrupt, "an answer that nobody asked for");
            const HttpAnswer answer = lane.client->answer();
            SIGILLO_ASSIGN(const bool done, lane.conversation->hear(answer.status, answer.body));
            if (done) {
                finish(lane);
                SIGILLO_TRY(begin(lane));
            } else {
                SIGILLO_TRY(post(lane));
            }
        }
        if (lane.client->wants_to_write() != lane.writing) {
            lane.writing = !lane.writing;
            SIGILLO_TRY(watch(EPOLL_CTL_MOD, index, lane.writing));
        }
        return {};
    }

    void finish(const Lane& lane) {
        using Seconds = std::chrono::duration<double>;
        const Clock::time_point now = Clock::now();
        --busy_;
        if (!lane.counts) return;
        --counting_;
        if (!opened_) return;
        const Seconds inside = std::min(now, closes_) - std::max(lane.began, opens_);
        if (inside <= Seconds::zero()) return;
        const Seconds whole = now - lane.began;
        report_.operations += inside / whole;
        latencies_.push_back(static_cast<std::uint32_t>(whole.count() * 1e6));
    }

    const RunPlan& plan_;
    SslContext context_;
    UniqueFd epoll_;
    std::vector<Lane> lanes_;
    std::uint64_t begun_ = 0;
    std::deque<Lane*> resting_;  // when paced: connections without work
    Clock::time_point due_;      // when the next operation is
    std::size_t busy_ = 0;       // operations in flight
    std::size_t counting_ = 0;   // of them, those that began before the window closed
    bool opened_ = false;
    bool closed_ = false;
    Clock::time_point opens_;
    Clock::time_point closes_;
    std::chrono::microseconds client_before_{0};
    std::chrono::microseconds server_before_{0};
    std::vector<std::uint32_t> latencies_;
    RunReport report_;
};

}  // namespace

Result<RunReport> run_load(const RunPlan& plan, const std::function<std::unique_ptr<Conversation>()>& make) {
    return LoadRun(plan).run(make);
}

}  // namespace sigillo::bench
