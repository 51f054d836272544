// Free space that the TSA leaves alone: below it no token is issued, so that anonymous traffic never fills
// the disk that signing may share. DESIGN §6.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>

#include "appliance/base/clock.h"
#include "appliance/base/result.h"

namespace sigillo::tsa {

struct DiskReserveConfig {
    // Where the TSA's store and log grow.
    std::filesystem::path path;
    // Octets. 2 GiB: a day of 50 tokens a second, and far more than signing writes until somebody has come.
    std::uint64_t bytes = std::uint64_t{2} << 30;
    // Between two looks. In a second tokens take a few megabytes at most.
    std::chrono::milliseconds interval{1'000};
};

// Thread-safe. `clock` must outlive it.
class DiskReserve {
 public:
    DiskReserve(DiskReserveConfig config, const Clock& clock) : config_(std::move(config)), clock_(clock) {}

    // kStorageFull below the reserve; kUnavailable when the file system cannot be asked.
    Status check();
    // As last looked at.
    std::uint64_t free_bytes() const { return free_; }

 private:
    Status look();

    const DiskReserveConfig config_;
    const Clock& clock_;
    std::atomic<std::int64_t> next_look_ms_{0};  // boot time
    std::atomic<std::uint64_t> free_{0};
    std::atomic<bool> enough_{false};
};

}  // namespace sigillo::tsa
