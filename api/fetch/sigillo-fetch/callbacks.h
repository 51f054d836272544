// Delivers callbacks (CSC's response_uri): tries, waits longer each time, gives up after a bounded number of
// tries and hours. What is accepted is on the disk before the caller hears of it, and is delivered at least
// once: a crash between the receiver's answer and the erasing of the file delivers it twice, with the same
// Idempotency-Key.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "api/fetch/sigillo-fetch/spool.h"
#include "api/fetch/sigillo-fetch/transfer.h"
#include "appliance/base/clock.h"
#include "appliance/base/worker_pool.h"

namespace sigillo::fetch {

struct CallbackConfig {
    // Octets of one body: a response with 256 signatures takes 150 KiB.
    std::size_t max_bytes = std::size_t{1} << 20;
    // Octets of a receiver's answer, which nobody reads.
    std::size_t max_answer_bytes = std::size_t{64} * 1024;
    unsigned attempts = 20;
    std::chrono::seconds first_pause{2};        // doubled each time …
    std::chrono::seconds longest_pause{3'600};  // … up to this
    std::chrono::hours life{24};
    std::size_t threads = 4;
    // Of these, how many one receiver may take at a time: one that hangs leaves the others theirs.
    std::size_t threads_per_host = 2;
};

// Thread-safe.
class Callbacks {
 public:
    struct Parts {
        Spool& spool;
        Transfers& transfers;
        const AllowList& list;
        const Clock& clock;
        Logger& logger;
    };
    // Takes up what the spool has.
    Callbacks(CallbackConfig config, const Parts& parts);
    ~Callbacks();
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;

    // kInvalidArgument (`field` "url", "id"), kForbidden, kLimitExceeded (`field` "body", "callbacks"); of
    // the spool. An id that waits already is taken for the same callback, and nothing is done.
    Status accept(const std::string& url, ByteView body, const std::string& id);

    struct State {
        std::size_t waiting = 0;
        std::uint64_t delivered = 0;  // since the start, as is what follows
        std::uint64_t failures = 0;   // tries
        std::uint64_t given_up = 0;
        WallTime oldest{};       // accepted then and not delivered; 0: none
        std::string last_error;  // of the last try that failed, empty after one that did not
    };
    State state() const;

 private:
    struct Waiting {
        spool::Callback callback;
        bool running = false;
    };
    using Queue = std::map<std::string, Waiting>;  // by id

    void schedule();
    void deliver(const std::string& id);
    Status attempt(const spool::Callback& callback);
    // `error`: what went wrong, or nothing.
    void settle(const std::string& id, const Status& outcome);
    std::chrono::seconds pause_after(unsigned attempts) const;

    const CallbackConfig config_;
    const Parts parts_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    Queue queue_;  // guarded by mutex_, as is what follows
    bool ending_ = false;
    std::string last_error_;
    std::atomic<std::uint64_t> delivered_{0};
    std::atomic<std::uint64_t> failures_{0};
    std::atomic<std::uint64_t> given_up_{0};
    WorkerPool pool_;
    std::thread scheduler_;
};

}  // namespace sigillo::fetch
