// A line on standard error that shows how far long work is, where that is a terminal. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sigillo::ctl {

class ProgressLine {
 public:
    explicit ProgressLine(std::string what);
    ~ProgressLine();  // takes the line away
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    // `of` is 0 where the end is not known. At most ten times a second reaches the terminal.
    void show(std::uint64_t done, std::uint64_t of);

 private:
    const std::string what_;
    const bool terminal_;
    std::chrono::steady_clock::time_point shown_{};
    bool visible_ = false;
};

}  // namespace sigillo::ctl
