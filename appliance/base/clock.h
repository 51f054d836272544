// Time, passed in. Wall time is for certificates, logs and OTP steps; boot time for deadlines that
// nobody who sets the clock may move.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sigillo {

// UTC, milliseconds.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
// CLOCK_BOOTTIME: counts on through suspend, starts anew with each boot_id().
using BootTime = std::chrono::duration<std::int64_t, std::milli>;

// Thread-safe.
class Clock {
 public:
    virtual ~Clock() = default;
    virtual WallTime now() const = 0;
    virtual BootTime boot_now() const = 0;
    // 36 characters, /proc/sys/kernel/random/boot_id.
    virtual const std::string& boot_id() const = 0;
};

class SystemClock final : public Clock {
 public:
    SystemClock();
    WallTime now() const override;
    BootTime boot_now() const override;
    const std::string& boot_id() const override { return boot_id_; }

 private:
    std::string boot_id_;
};

std::int64_t unix_seconds(WallTime time);
WallTime from_unix_millis(std::int64_t millis);
std::int64_t unix_millis(WallTime time);

// RFC 3339 in UTC with milliseconds: "2026-11-23T09:15:00.123Z".
std::string rfc3339(WallTime time);
// "20261123091500Z", as CSC's validFrom/validTo have it (GeneralizedTime).
std::string generalized_time(WallTime time);

}  // namespace sigillo
