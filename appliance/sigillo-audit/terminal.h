// What the commands share in talking to people.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "appliance/audit/verify/log_snapshot.h"
#include "appliance/base/encoding.h"

namespace sigillo::audit_tool {

// Text of the log as a terminal may have it: no control characters, no direction overrides.
std::string printable(std::string_view text);

// A line on standard error that counts on, when that is a terminal. Not thread-safe.
class ProgressLine {
 public:
    explicit ProgressLine(std::string what);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    audit::LogSnapshot::Progress callback();

 private:
    void show(std::uint64_t done, std::uint64_t total);
    const std::string what_;
    const bool terminal_;
    bool shown_ = false;
    std::chrono::steady_clock::time_point last_{};
};

// "sigillo-audit: FAILED: …" on standard error; the exit code that goes with it.
int report_failure(const Error& error);
// "sigillo-audit: …" on standard error for an argument that is no good.
int report_usage(const Error& error);

}  // namespace sigillo::audit_tool
