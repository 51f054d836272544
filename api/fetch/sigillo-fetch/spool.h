// Callbacks that are on their way, on the disk: one file each, so that neither a restart nor a power cut
// loses one that was accepted. Bounded in number and octets. Thread-safe.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/fetch/sigillo-fetch/spool.pb.h"
#include "appliance/base/logger.h"
#include "appliance/base/result.h"

namespace sigillo::fetch {

struct SpoolConfig {
    std::filesystem::path directory;
    // Callbacks that wait; beyond it none is accepted. A day's outage of a receiver that gets fourteen a
    // minute.
    std::size_t entries = 20'000;
    std::size_t bytes = std::size_t{1} << 30;
};

// 1 to 64 of A-Z a-z 0-9 - _.
bool is_callback_id(std::string_view id);

class Spool {
 public:
    // Reads what is there. A file that cannot be read as a callback is renamed to *.bad, logged, and counted
    // by damaged(). kUnavailable: the directory cannot be read.
    static Result<std::unique_ptr<Spool>> open(SpoolConfig config, Logger& logger);

    // Durable on return. kAlreadyExists: a callback of this id waits already. kLimitExceeded with `field`
    // "callbacks"; kStorageFull, kUnavailable.
    Status add(const spool::Callback& callback);
    // The same callback after a try. Durable on return.
    Status update(const spool::Callback& callback);
    // It is delivered or given up.
    Status remove(const std::string& id);

    std::vector<spool::Callback> read_all() const;
    std::size_t size() const;
    std::size_t damaged() const { return damaged_; }

 private:
    Spool(SpoolConfig config, Logger& logger) : config_(std::move(config)), logger_(logger) {}
    std::filesystem::path file_of(const std::string& id) const {
        return config_.directory / (id + ".callback");
    }
    Status write(const spool::Callback& callback) const;

    const SpoolConfig config_;
    Logger& logger_;
    mutable std::mutex mutex_;
    std::map<std::string, std::size_t> sizes_;  // guarded by mutex_, as is what follows; of the bodies, by id
    std::size_t bytes_ = 0;
    std::size_t damaged_ = 0;  // constant after open()
};

}  // namespace sigillo::fetch
