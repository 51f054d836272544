// Documents in sigillo-api: the threads that carry requests out, and what these share.
//
// A handler on a reactor thread hands its request over with run(); everything else happens here. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "api/documents/config.h"
#include "api/documents/prepared_store.h"
#include "api/documents/results.h"
#include "api/documents/toolbox.h"
#include "api/service.h"
#include "appliance/base/pool_executor.h"
#include "appliance/base/random.h"
#include "appliance/base/worker_pool.h"

namespace sigillo::api::documents {

// Memory that requests have reserved for their documents; given back when the last owner goes.
class MemoryTicket {
 public:
    MemoryTicket(std::shared_ptr<SpoolBudget> budget, std::uint64_t bytes)
        : budget_(std::move(budget)), bytes_(bytes) {}
    ~MemoryTicket() { budget_->give_back(bytes_); }
    MemoryTicket(const MemoryTicket&) = delete;
    MemoryTicket& operator=(const MemoryTicket&) = delete;

 private:
    const std::shared_ptr<SpoolBudget> budget_;
    const std::uint64_t bytes_;
};

// How much is still to be answered: the service ends after the last of it.
class InFlight {
 public:
    // Counts until its last copy goes.
    static std::shared_ptr<void> hold(const std::shared_ptr<InFlight>& all);
    // False: the deadline has passed.
    bool wait_for_none(std::chrono::milliseconds deadline);

 private:
    std::mutex mutex_;
    std::condition_variable none_;
    std::size_t count_ = 0;  // guarded by mutex_
};

// A request that has left its reactor.
struct Job {
    Request request;
    Responder responder;
    Caller caller;
    std::shared_ptr<MemoryTicket> memory;
    std::shared_ptr<void> in_flight;
};

class Service {
 public:
    struct Parts {
        SigningSam& sam;
        fetch::Fetcher* fetcher = nullptr;  // or nobody: nothing is fetched, and no callback delivered
        const Clock& clock;
        Random& random;
        Logger& logger;
    };
    // kUnavailable, kNotFound: the spool's folder.
    static Result<std::unique_ptr<Service>> create(DocumentsConfig config, Parts parts);
    // After close(), or when nothing is asked any more.
    ~Service();
    // Takes no more requests, and waits for the last to be answered, asynchronous ones too: as long as
    // sigillod's answers can come. False: not all were, and the service must not be destroyed.
    bool close(std::chrono::milliseconds deadline);

    // Runs `work` on one of the threads, in the caller's name. Nothing is run, and the error says why, when
    // there is too much to do or no memory for a document of this size: kUnavailable.
    Status run(Call& call, std::function<void(std::shared_ptr<Job>)> work);

    // Keeps the service until it goes: for answers that come from elsewhere.
    std::shared_ptr<void> hold() { return InFlight::hold(in_flight_); }
    const DocumentsConfig& config() const { return config_; }
    const Toolbox& tools() const { return *tools_; }
    Spool& spool() { return spool_; }
    Results& results() { return results_; }
    PreparedStore& prepared() { return prepared_; }
    // Whether notify() may go there: kForbidden, kInvalidArgument, kUnavailable. On a thread of the
    // connection's.
    void check_place(const std::string& uri, std::function<void(Status)> then);
    // Tells `uri` that the call `id` is done.
    void notify(const std::string& uri, const std::string& id);
    bool doc_answers() const { return documents::doc_answers(config_.doc); }

 private:
    class Checker;
    Service(DocumentsConfig config, Parts parts);

    const DocumentsConfig config_;
    Logger& logger_;
    std::atomic<bool> closed_{false};
    const std::shared_ptr<InFlight> in_flight_ = std::make_shared<InFlight>();
    const std::shared_ptr<SpoolBudget> memory_;
    Spool spool_;
    Results results_;
    PreparedStore prepared_;
    fetch::Fetcher* const fetcher_;
    std::unique_ptr<PoolExecutor> executor_;
    std::unique_ptr<Checker> checker_;
    std::unique_ptr<ValidationGatherer> gatherer_;
    std::unique_ptr<Toolbox> tools_;
    std::unique_ptr<WorkerPool> intake_;  // last: its work uses all of the others
};

}  // namespace sigillo::api::documents
