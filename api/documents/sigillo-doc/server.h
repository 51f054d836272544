// sigillo-doc's parent: accepts, forks, watches, reaps. It reads no byte of what peers send.
//
// One connection is one worker: forked when its peer's first message has come, gone when the peer closes the
// connection, when its time is over or when its work kills it; then the parent says so in the worker's place.
// One thread; forking needs that.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "api/documents/sigillo-doc/config.h"
#include "api/documents/sigillo-doc/worker.h"
#include "appliance/base/logger.h"
#include "appliance/ipc/unix_socket.h"

namespace sigillo::doc {

class Server {
 public:
    // Listens on return. `config` and `confinement` outlive it. SIGCHLD, SIGTERM and SIGINT must be blocked.
    // kInvalidArgument: a user that does not exist; kUnavailable.
    static Result<std::unique_ptr<Server>> start(const DocConfig& config,
                                                 const WorkerConfinement& confinement, Jobs jobs,
                                                 Logger& logger);
    // Until SIGTERM or SIGINT; workers at work are given their deadline, what waits is closed.
    Status run();

    struct Summary {
        std::uint64_t workers = 0;     // that have ended
        std::int64_t largest_kib = 0;  // resident memory of the largest, its document's pages included
    };
    const Summary& summary() const { return summary_; }

 private:
    using Time = std::chrono::steady_clock;
    struct Worker {
        UniqueFd connection;  // the worker has its own copy
        Time::time_point deadline;
        bool overdue = false;  // has been killed for its time
    };

    Server(const DocConfig& config, const WorkerConfinement& confinement, Jobs jobs, Logger& logger,
           ipc::ListeningSocket listener, UniqueFd signals, std::vector<uid_t> users);
    void accept_all();
    void start_worker(UniqueFd connection);
    void take_signals();
    void reap();
    void bury(const Worker& worker, pid_t pid, int status);
    void kill_overdue();
    int wait_ms() const;
    void poll_once();

    const DocConfig& config_;
    const WorkerConfinement& confinement_;
    const Jobs jobs_;
    Logger& logger_;
    ipc::ListeningSocket listener_;
    const UniqueFd signals_;
    const std::vector<uid_t> users_;
    const std::uint64_t base_address_space_;
    std::unordered_map<pid_t, Worker> workers_;
    std::deque<UniqueFd> waiting_;  // connections without a worker
    bool stopping_ = false;
    Summary summary_;
};

}  // namespace sigillo::doc
