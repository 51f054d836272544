// sigillo-fetch, as sigillo-api sees it: outbound HTTP to configured hosts, and nothing else.
//
// Errors of all calls: kForbidden (the host is not in the list; `detail` names host and list),
// kInvalidArgument
// (`field` "url": no http or https URL, with a password, …), kLimitExceeded (the answer is longer than its
// kind may be, or too many callbacks wait), kNotFound (HTTP 404 or 410), kUnavailable (sigillo-fetch is away
// or busy, no such name, no connection, timeout, TLS, another HTTP status), kInternal. `detail` can be shown
// to the client: it says what was tried and what came of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/result.h"
#include "appliance/ipc/client.h"

namespace sigillo::fetch {

enum class Kind : std::uint8_t { kCrl = 1, kCertificate = 2, kOcsp = 3 };

struct Fetched {
    Bytes body;
    bool cached = false;
    WallTime fetched_at{};
};

struct HealthItem {
    std::string name;
    std::string state;  // ok, degraded, failed
    std::string reason;
};
struct HealthReport {
    std::vector<HealthItem> items;
    std::vector<std::pair<std::string, double>> metrics;  // Prometheus names without labels
};

// Answers come on a thread of the connection's: callbacks must neither block nor throw.
template <class T>
using Callback = std::function<void(Result<T>)>;

// Thread-safe. An interface, so that tests of what stands above need no process.
class Fetcher {
 public:
    virtual ~Fetcher() = default;
    virtual void get(const std::string& url, Kind kind, bool fresh, Callback<Fetched> callback) = 0;
    virtual void post_ocsp(const std::string& url, ByteView request, Callback<Fetched> callback) = 0;
    // The body of `url` with this SHA-256 may be served out of the cache until then (in the past: no more).
    virtual void keep_until(const std::string& url, Kind kind, ByteView sha256, WallTime until) = 0;
    // response_uri callbacks: delivered at least once, or given up and logged (api/fetch/README.md says
    // when). `id`: 1 to 64 of A-Z a-z 0-9 - _. Done: it is on sigillo-fetch's disk.
    virtual void post_callback(const std::string& url, ByteView json, const std::string& id,
                               std::function<void(Status)> callback) = 0;
    // kForbidden: to no such host; kInvalidArgument: no URL.
    virtual void check_callback(const std::string& url, std::function<void(Status)> callback) = 0;
    virtual void health(Callback<HealthReport> callback) = 0;
};

struct FetchClientConfig {
    std::string socket;
    // The largest answer with its frame; agrees with fetch.max_crl_bytes.
    std::size_t frame_limit = std::size_t{33} << 20;
    std::size_t in_flight_limit = 512;
    // Longer than fetch.total_timeout_ms times the redirects that it follows.
    std::chrono::milliseconds deadline{60'000};
    // For how it feels: /healthz waits no longer for a process that hangs.
    std::chrono::milliseconds health_deadline{2'000};
};

class FetchClient final : public Fetcher {
 public:
    explicit FetchClient(const FetchClientConfig& config);
    void get(const std::string& url, Kind kind, bool fresh, Callback<Fetched> callback) override;
    void post_ocsp(const std::string& url, ByteView request, Callback<Fetched> callback) override;
    void keep_until(const std::string& url, Kind kind, ByteView sha256, WallTime until) override;
    void post_callback(const std::string& url, ByteView json, const std::string& id,
                       std::function<void(Status)> callback) override;
    void check_callback(const std::string& url, std::function<void(Status)> callback) override;
    void health(Callback<HealthReport> callback) override;
    bool connected() const { return client_->connected(); }

 private:
    const std::unique_ptr<ipc::Client> client_;
    const std::unique_ptr<ipc::Client> health_client_;  // with a deadline of its own
};

}  // namespace sigillo::fetch
