// One measured run: connections that hold their conversations at the same time, on one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "tests/bench/conversation.h"
#include "tests/bench/tls_client.h"

namespace sigillo::bench {

struct RunPlan {
    Endpoint endpoint;
    std::size_t connections = 64;
    // Either a number of operations, or a time (after a warm-up that is not measured: keys are unwrapped,
    // caches filled).
    std::uint64_t operations = 0;  // 0: as many as go into `measured`
    std::chrono::milliseconds warm_up{0};
    std::chrono::milliseconds measured{0};
    // Operations a second that fall due, whether those before have been answered or not: what one waits for a
    // free connection counts as its own. 0: each connection begins anew at once. Only with `measured`.
    double rate = 0;
    std::filesystem::path pids;  // whose processor time counts
};

struct RunReport {
    double operations = 0;  // parts of those that reach over the ends of the window included
    double seconds = 0;
    double p50_ms = 0;  // of one operation, first request to last answer
    double p99_ms = 0;
    std::chrono::microseconds server_time{0};
    std::chrono::microseconds client_time{0};
};

// The first error ends the run: a bench of a server that fails measures nothing. Operations in flight at the
// end are finished, but do not count.
Result<RunReport> run_load(const RunPlan& plan, const std::function<std::unique_ptr<Conversation>()>& make);

}  // namespace sigillo::bench
