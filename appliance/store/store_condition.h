// Whether the store can write, and if not, why. Says changes to the log.
//
// Internal to appliance/store. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "appliance/base/logger.h"
#include "appliance/base/result.h"

namespace sigillo {

class StoreCondition {
 public:
    enum class Part : std::uint8_t { kCommit, kFlush };

    explicit StoreCondition(Logger& logger) : logger_(logger) {}
    // What came of the last commit, or of the last write to LMDB.
    void note(Part part, const Status& status);
    // Empty: writable.
    std::string reason() const;
    bool failed(Part part) const;

 private:
    std::string reason_locked() const;

    Logger& logger_;
    mutable std::mutex mutex_;
    std::array<std::string, 2> reasons_;  // guarded by mutex_
};

}  // namespace sigillo
