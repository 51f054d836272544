// The loop that keeps N connections busy with a Work, and what it measured.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/https_connection.h"
#include "tests/bench/measure.h"

namespace sigillo::bench {

// What the connections do: each repeats an operation of one or more requests. Called from one thread.
class Work {
   public:
    virtual ~Work() = default;
    // The first request of connection `slot`'s next operation; nothing: there is no more to do.
    virtual std::optional<std::string> begin(std::size_t slot) = 0;
    // An answer came. The operation's next request; nothing: the operation is complete. Throws std::runtime_error on an
    // answer that is no success: a benchmark that counts failures as work lies.
    virtual std::optional<std::string> go_on(std::size_t slot, const HttpAnswer& answer) = 0;
    // How much one operation counts: 1, or the number of signatures in it.
    virtual std::uint64_t weight() const { return 1; }
};

struct LoadPlan {
    std::size_t connections = 64;
    std::chrono::milliseconds warm_up{0};
    std::chrono::milliseconds duration{0};  // measured; zero: until the work ends
    std::vector<std::string> pids;          // processes whose CPU time counts as the appliance's
};

struct LoadResult {
    double rate = 0;           // weight a second
    std::uint64_t done = 0;    // weight, measured part only
    double p50_ms = 0;         // of an operation, from its first byte out to its last byte in
    double p99_ms = 0;
    double cpu_us_per_op = 0;  // per unit of weight
};

LoadResult run_load(const Endpoint& endpoint, const LoadPlan& plan, Work& work);

// GETs `path` until it answers 200; the time that it took. Throws when `patience` is over.
std::chrono::milliseconds wait_for_ok(const Endpoint& endpoint, std::string_view path, std::chrono::milliseconds patience);

}  // namespace sigillo::bench
