#include "api/documents/sigillo-doc/server.h"

#include <poll.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>

#include "appliance/ipc/fd_message.h"

namespace sigillo::doc {
namespace {

std::uint64_t mapped_bytes() {
    std::uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Result<std::vector<uid_t>> uids_of(const std::vector<std::string>& users) {
    std::vector<uid_t> out;
    for (const std::string& user : users) {
        if (!user.empty() && user.find_first_not_of("0123456789") == std::string::npos) {
            out.push_back(static_cast<uid_t>(std::stoul(user)));
            continue;
        }
        const passwd* entry = ::getpwnam(user.c_str());
        if (entry == nullptr) return fail(Errc::kInvalidArgument, "doc.users: no user named " + user);
        out.push_back(entry->pw_uid);
    }
    if (out.empty()) out.push_back(::geteuid());
    return out;
}

struct Verdict {
    Errc code = Errc::kInternal;
    const char* detail = "";
};

Verdict beyond(const char* detail) {
    return {Errc::kLimitExceeded, detail};
}

// What a worker's end says about its document.
Verdict verdict(int status, bool overdue) {
    if (WIFEXITED(status)) {
        if (WEXITSTATUS(status) == kOutOfMemory)
            return beyond("the document could not be processed within its limits (memory)");
        return {Errc::kInternal, "the document worker ended without an answer"};
    }
    switch (WTERMSIG(status)) {
        case SIGKILL:
            if (overdue) return beyond("the document could not be processed within its limits (time)");
            // Somebody else's doing, such as the kernel's for want of memory: it says nothing of the
            // document.
            return {Errc::kUnavailable, "the document worker was killed; try again"};
        case SIGXCPU:
            return beyond("the document could not be processed within its limits (processor time)");
        case SIGSEGV:
        case SIGBUS:
        case SIGABRT:
        case SIGFPE:
        case SIGILL:
            return {Errc::kInvalidArgument,
                    "the document made its reader fail: it is damaged, or nested too deeply"};
        default:
            return {Errc::kInternal, "the document worker was ended"};
    }
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const DocConfig& config, const WorkerConfinement& confinement,
                                              Jobs jobs, Logger& logger) {
    SIGILLO_ASSIGN(auto users, uids_of(config.users));
    SIGILLO_ASSIGN(auto listener,
                   ipc::ListeningSocket::open(config.socket, config.socket_mode, ipc::SocketKind::kPackets));
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&set, signal);
    UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) return std::unexpected(errno_error(errno, "signalfd"));
    return std::unique_ptr<Server>(new Server(config, confinement, jobs, logger, std::move(listener),
                                              std::move(signals), std::move(users)));
}

Server::Server(const DocConfig& config, const WorkerConfinement& confinement, Jobs jobs, Logger& logger,
               ipc::ListeningSocket listener, UniqueFd signals, std::vector<uid_t> users)
    : config_(config),
      confinement_(confinement),
      jobs_(jobs),
      logger_(logger),
      listener_(std::move(listener)),
      signals_(std::move(signals)),
      users_(std::move(users)),
      base_address_space_(mapped_bytes()) {}

Status Server::run() {
    while (!stopping_ || !workers_.empty()) poll_once();
    return {};
}

int Server::wait_ms() const {
    auto soonest = Time::time_point::max();
    for (const auto& [pid, worker] : workers_)
        if (!worker.overdue) soonest = std::min(soonest, worker.deadline);
    if (soonest == Time::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(soonest - Time::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// Waiting connections are watched only while a worker could take them: in their order, as far as there is
// room.
void Server::poll_once() {
    const std::size_t room = config_.workers > workers_.size() ? config_.workers - workers_.size() : 0;
    const bool accepting = !stopping_ && waiting_.size() < config_.queue_limit;
    std::vector<pollfd> polled{{signals_.get(), POLLIN, 0}, {accepting ? listener_.fd() : -1, POLLIN, 0}};
    const std::size_t watched = room > 0 ? waiting_.size() : 0;
    for (std::size_t i = 0; i < watched; ++i) polled.push_back({waiting_[i].get(), POLLIN, 0});
    const int ready = ::poll(polled.data(), polled.size(), wait_ms());
    if (ready < 0 && errno != EINTR) {
        logger_.error("poll_failed", {{"errno", errno}});
        ::usleep(100'000);
    }
    if (polled[0].revents != 0) take_signals();
    kill_overdue();
    std::deque<UniqueFd> left;
    std::size_t started = 0;
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
        if (i >= watched || polled[2 + i].revents == 0 || started >= room) {
            left.push_back(std::move(waiting_[i]));
            continue;
        }
        char byte = 0;
        // A peer that has gone, or only looked whether we are here.
        if (::recv(waiting_[i].get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) continue;
        start_worker(std::move(waiting_[i]));
        ++started;
    }
    waiting_ = std::move(left);
    if (polled[1].revents != 0 && !stopping_) accept_all();
}

void Server::accept_all() {
    while (waiting_.size() < config_.queue_limit) {
        UniqueFd connection(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!connection) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                logger_.error("accept_failed", {{"errno", errno}});
                ::usleep(100'000);  // EMFILE and its like stay for a while
            }
            return;
        }
        const auto peer = ipc::peer_of(connection.get());
        if (!peer || std::ranges::find(users_, peer->uid) == users_.end()) {
            logger_.warning("stranger_refused", {{"uid", peer ? std::int64_t{peer->uid} : std::int64_t{-1}}});
            continue;
        }
        waiting_.push_back(std::move(connection));
    }
}

void Server::start_worker(UniqueFd connection) {
    const WorkerSetting setting{config_.worker, confinement_, base_address_space_, jobs_};
    const pid_t pid = ::fork();
    if (pid == 0) {
        // Descriptors of other connections: a worker must not hold them open, nor reach them.
        waiting_.clear();
        workers_.clear();
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::close(signals_.get());
        ::close(listener_.fd());
        ::_exit(run_worker(setting, std::move(connection)));
    }
    if (pid < 0) {
        logger_.error("fork_failed", {{"errno", errno}});
        return;  // closed: the peer answers "busy"
    }
    workers_.emplace(pid, Worker{std::move(connection), Time::now() + config_.worker.deadline});
}

void Server::take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (info.ssi_signo == SIGCHLD) continue;
        logger_.notice("stopping", {{"signal", static_cast<int>(info.ssi_signo)}});
        stopping_ = true;
        waiting_.clear();
    }
    reap();
}

void Server::reap() {
    int status = 0;
    rusage usage{};
    for (pid_t pid = 0; (pid = ::wait4(-1, &status, WNOHANG, &usage)) > 0;) {
        const auto found = workers_.find(pid);
        if (found == workers_.end()) continue;
        ++summary_.workers;
        summary_.largest_kib = std::max<std::int64_t>(summary_.largest_kib, usage.ru_maxrss);
        bury(found->second, pid, status);
        workers_.erase(found);
    }
}

void Server::bury(const Worker& worker, pid_t pid, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == kDone) return;
    const Verdict said = verdict(status, worker.overdue);
    logger_.warning("worker_died", {{"pid", pid},
                                    {"exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1},
                                    {"signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0},
                                    {"said", said.detail}});
    Answer answer;
    answer.mutable_error()->set_code(static_cast<std::uint32_t>(said.code));
    answer.mutable_error()->set_detail(said.detail);
    answer.mutable_error()->set_field("document");
    const std::string text = answer.SerializeAsString();
    // The peer may have gone, which is why it was killed: then there is nobody to tell.
    (void)ipc::send_fd_message(worker.connection.get(), as_bytes(text), {}, std::chrono::milliseconds(0));
}

void Server::kill_overdue() {
    const auto now = Time::now();
    for (auto& [pid, worker] : workers_) {
        if (worker.overdue || now < worker.deadline) continue;
        worker.overdue = true;
        ::kill(pid, SIGKILL);
    }
}

}  // namespace sigillo::doc
