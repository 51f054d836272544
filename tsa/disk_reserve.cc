#include "tsa/disk_reserve.h"

#include <sys/statvfs.h>

#include <cerrno>

#include "appliance/base/file.h"

namespace sigillo::tsa {

Status DiskReserve::check() {
    const std::int64_t now = clock_.boot_now().count();
    std::int64_t due = next_look_ms_.load(std::memory_order_acquire);
    // One thread looks; the others go by what was seen last. Of the very first look all wait for their own.
    const bool first = due == 0;
    if (first || (now >= due && next_look_ms_.compare_exchange_strong(due, now + config_.interval.count()))) {
        SIGILLO_TRY(look());
        if (first) next_look_ms_.store(now + config_.interval.count(), std::memory_order_release);
    }
    if (enough_.load(std::memory_order_acquire)) return {};
    return fail(Errc::kStorageFull, config_.path.string() + " has " + std::to_string(free_) +
                                        " octets left; the reserve is " + std::to_string(config_.bytes));
}

Status DiskReserve::look() {
    struct statvfs info{};
    if (::statvfs(config_.path.c_str(), &info) != 0) {
        enough_ = false;
        return std::unexpected(errno_error(errno, "statvfs " + config_.path.string()));
    }
    free_ = std::uint64_t{info.f_bavail} * info.f_frsize;
    enough_.store(free_ >= config_.bytes, std::memory_order_release);
    return {};
}

}  // namespace sigillo::tsa
