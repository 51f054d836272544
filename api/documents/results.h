// Asynchronous calls (CSC §11.10 to §11.12): at work, or done and waiting to be asked for. In memory and in
// the spool: a restart forgets them, and the identical call gets the same signatures again.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "api/http/exchange.h"
#include "appliance/base/clock.h"
#include "appliance/base/random.h"

namespace sigillo::api::documents {

class Results {
 public:
    // Both outlive it. `limit`: of those at work and those that wait together; one client has half of them.
    Results(std::size_t limit, const Clock& clock, Random& random)
        : limit_(limit), clock_(clock), random_(random) {}

    // A new id; nothing when there are too many, of this client's or of all. `client`: whose it is.
    std::optional<std::string> begin(const std::string& client, std::chrono::milliseconds validity);
    // What the call would have answered; it waits for `validity` from now on.
    void finish(const std::string& id, Response response);

    struct Found {
        bool done = false;
        Response response;  // when done
    };
    // Nothing: no such id of this client, or its time is over. A result may be asked for several times.
    std::optional<Found> find(const std::string& client, const std::string& id);

 private:
    struct Entry {
        std::string client;
        std::chrono::milliseconds validity{0};
        std::optional<BootTime> ends;  // once done
        Response response;
    };
    void forget_old();

    const std::size_t limit_;
    const Clock& clock_;
    Random& random_;
    std::mutex mutex_;
    std::map<std::string, Entry> entries_;  // guarded by mutex_
};

}  // namespace sigillo::api::documents
