// What sigillo-api may ask: from a frame to an answer. Requests for the same URL that are at work at the same
// time share one exchange.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "api/fetch/fetch.pb.h"
#include "api/fetch/sigillo-fetch/config.h"
#include "appliance/base/worker_pool.h"
#include "appliance/ipc/server.h"

namespace sigillo::fetch {

// Thread-safe.
class FetchService {
 public:
    // kInvalidArgument: an allow list; kUnavailable: the spool.
    static Result<std::unique_ptr<FetchService>> create(const FetchConfig& config, const Clock& clock,
                                                        Logger& logger);
    ~FetchService();
    FetchService(const FetchService&) = delete;
    FetchService& operator=(const FetchService&) = delete;

    // An ipc::Handler's work: `reply` is called once, at once or from a thread of ours.
    void handle(Bytes payload, ipc::Reply reply);
    // Exchanges at work end, callbacks stay in the spool.
    void stop();

    wire::Health health() const;

 private:
    using Answer = std::function<void(Result<wire::Fetched>)>;
    FetchService(const FetchConfig& config, AllowList allow, AllowList callbacks,
                 std::unique_ptr<Spool> spool, const Clock& clock, Logger& logger);

    void get(const wire::GetUrl& request, Answer answer);
    void post_ocsp(const wire::PostOcsp& request, Answer answer);
    Result<std::size_t> limit_of(wire::Kind kind) const;
    Result<wire::Fetched> exchange(const Exchange& exchange);
    void end_flight(const std::string& key, const Result<wire::Fetched>& outcome);

    const FetchConfig config_;
    const AllowList allow_;
    const AllowList callback_list_;
    const Clock& clock_;
    Logger& logger_;
    const std::unique_ptr<Spool> spool_;
    Transfers transfers_;
    FetchCache cache_;
    std::mutex mutex_;
    std::map<std::string, std::vector<Answer>> flights_;  // guarded by mutex_: who waits for which key
    std::atomic<std::uint64_t> fetched_{0};
    std::atomic<std::uint64_t> cached_{0};
    std::atomic<std::uint64_t> failed_{0};
    std::atomic<std::uint64_t> refused_{0};  // not in the list
    Callbacks callbacks_;
    WorkerPool pool_;        // ends before what its work uses
    WorkerPool spool_lane_;  // accepting a callback waits for the disk
};

}  // namespace sigillo::fetch
