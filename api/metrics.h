// What sigillo-api counts about itself, in Prometheus' text format. Thread-safe; counting takes no lock.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/server.h"

namespace sigillo::api {

class Metrics {
 public:
    // `labels`: one a route, ready to stand between braces: `method="GET",route="/healthz"`. One more is kept
    // for requests that match no route.
    explicit Metrics(const std::vector<std::string>& labels);
    std::size_t unmatched() const { return routes_.size() - 1; }
    void answered(std::size_t route, int status, std::chrono::steady_clock::duration took);
    std::string render(const HttpCounters& http) const;

 private:
    // The statuses that the API gives; others share the last place.
    static constexpr std::array kStatuses = {200, 201, 204, 400, 401, 403, 404, 405,
                                             409, 413, 415, 429, 500, 501, 503, 0};
    // Seconds. Signing takes 1 to 5 ms idle and queues to 100 ms; RSA key generation takes up to 10 s.
    static constexpr std::array kBuckets = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                                            0.25,  0.5,   1.0,   2.5,  10.0, 30.0};
    struct Route {
        std::string labels;
        std::array<std::atomic<std::uint64_t>, kStatuses.size()> statuses{};
        std::array<std::atomic<std::uint64_t>, kBuckets.size() + 1> buckets{};
        std::atomic<std::uint64_t> nanoseconds{0};
    };
    std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace sigillo::api
