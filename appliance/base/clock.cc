#include "appliance/base/clock.h"

#include <time.h>

#include <array>
#include <cstdio>
#include <fstream>

namespace sigillo {
namespace {

std::int64_t millis_of(clockid_t id) {
    timespec spec{};
    clock_gettime(id, &spec);
    return static_cast<std::int64_t>(spec.tv_sec) * 1000 + spec.tv_nsec / 1'000'000;
}

std::tm utc(WallTime time) {
    const std::time_t seconds = unix_seconds(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return parts;
}

}  // namespace

SystemClock::SystemClock() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::getline(file, boot_id_);
}

WallTime SystemClock::now() const {
    return from_unix_millis(millis_of(CLOCK_REALTIME));
}
BootTime SystemClock::boot_now() const {
    return BootTime(millis_of(CLOCK_BOOTTIME));
}

std::int64_t unix_seconds(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
WallTime from_unix_millis(std::int64_t millis) {
    return WallTime(std::chrono::milliseconds(millis));
}
std::int64_t unix_millis(WallTime time) {
    return time.time_since_epoch().count();
}

std::string rfc3339(WallTime time) {
    const std::tm parts = utc(time);
    std::array<char, 64> text{};
    const auto millis = unix_millis(time) - unix_seconds(time) * 1000;
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                  static_cast<int>(millis));
    return text.data();
}

std::string generalized_time(WallTime time) {
    const std::tm parts = utc(time);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d%02d%02d%02d%02d%02dZ", parts.tm_year + 1900,
                  parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return text.data();
}

}  // namespace sigillo
