#include "api/metrics.h"

#include <algorithm>
#include <cstdio>

namespace sigillo::api {
namespace {

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.9g", value);
    return text;
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
    out += "# HELP " + std::string(name) + ' ' + std::string(help) + "\n# TYPE " + std::string(name) + ' ' +
           std::string(type) + '\n';
}

void single(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            std::uint64_t value) {
    head(out, name, type, help);
    out += std::string(name) + ' ' + std::to_string(value) + '\n';
}

}  // namespace

Metrics::Metrics(const std::vector<std::string>& labels) {
    for (const auto& label : labels) {
        routes_.push_back(std::make_unique<Route>());
        routes_.back()->labels = label;
    }
    routes_.push_back(std::make_unique<Route>());
    routes_.back()->labels = "method=\"\",route=\"none\"";
}

void Metrics::answered(std::size_t route, int status, std::chrono::steady_clock::duration took) {
    Route& counted = *routes_[std::min(route, unmatched())];
    const auto known = std::find(kStatuses.begin(), kStatuses.end() - 1, status);
    ++counted.statuses[static_cast<std::size_t>(known - kStatuses.begin())];
    const double seconds = std::chrono::duration<double>(took).count();
    const auto bucket = std::lower_bound(kBuckets.begin(), kBuckets.end(), seconds);
    ++counted.buckets[static_cast<std::size_t>(bucket - kBuckets.begin())];
    counted.nanoseconds += static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count());
}

std::string Metrics::render(const HttpCounters& http) const {
    std::string out;
    head(out, "sigillo_api_requests_total", "counter", "Requests answered, by route and status.");
    for (const auto& route : routes_)
        for (std::size_t i = 0; i < kStatuses.size(); ++i)
            if (const std::uint64_t count = route->statuses[i]; count != 0)
                out += "sigillo_api_requests_total{" + route->labels + ",status=\"" +
                       (kStatuses[i] != 0 ? std::to_string(kStatuses[i]) : std::string("other")) + "\"} " +
                       std::to_string(count) + '\n';
    constexpr std::string_view kDuration = "sigillo_api_request_duration_seconds";
    head(out, kDuration, "histogram", "Time from a whole request to its answer.");
    for (const auto& route : routes_) {
        std::uint64_t total = 0;
        for (const auto& bucket : route->buckets) total += bucket;
        if (total == 0) continue;
        std::uint64_t upto = 0;
        for (std::size_t i = 0; i < kBuckets.size(); ++i) {
            upto += route->buckets[i];
            out += std::string(kDuration) + "_bucket{" + route->labels + ",le=\"" + number(kBuckets[i]) +
                   "\"} " + std::to_string(upto) + '\n';
        }
        out += std::string(kDuration) + "_bucket{" + route->labels + ",le=\"+Inf\"} " +
               std::to_string(total) + '\n';
        out += std::string(kDuration) + "_sum{" + route->labels + "} " +
               number(static_cast<double>(route->nanoseconds) / 1e9) + '\n';
        out += std::string(kDuration) + "_count{" + route->labels + "} " + std::to_string(total) + '\n';
    }
    single(out, "sigillo_api_connections", "gauge", "Connections open.", http.connections);
    single(out, "sigillo_api_requests_in_flight", "gauge", "Requests not answered yet.", http.in_flight);
    single(out, "sigillo_api_answers_dropped_total", "counter", "Answers whose client had hung up.",
           http.answers_dropped);
    single(out, "sigillo_api_requests_refused_total", "counter", "Requests that were not acceptable HTTP.",
           http.requests_refused);
    single(out, "sigillo_api_connections_refused_total", "counter", "Connections beyond the limit.",
           http.connections_refused);
    single(out, "sigillo_api_accept_failures_total", "counter",
           "Failures of accept(), as of too many open files.", http.accept_failures);
    return out;
}

}  // namespace sigillo::api
