// Small chores in the background, one after the other on one thread: what they are, Appliance::chores() says
// (expired rows, idle keys, Outcomes that wait for room, the clock). The sweep has a thread of its own:
// audit/sweep.h.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "appliance/base/logger.h"

namespace sigillo {

class Housekeeping {
 public:
    struct Chore {
        std::string name;
        std::chrono::milliseconds every;
        std::function<void()> work;  // reports its own failures
    };
    Housekeeping(std::vector<Chore> chores, Logger& logger);
    ~Housekeeping();  // ends after the chore that runs
    Housekeeping(const Housekeeping&) = delete;
    Housekeeping& operator=(const Housekeeping&) = delete;

 private:
    void run();
    std::vector<Chore> chores_;
    Logger& logger_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool ending_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace sigillo
