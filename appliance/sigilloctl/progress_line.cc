#include "appliance/sigilloctl/progress_line.h"

#include <unistd.h>

#include <iostream>

#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (visible_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressLine::show(std::uint64_t done, std::uint64_t of) {
    if (!terminal_) return;
    const auto now = std::chrono::steady_clock::now();
    if (visible_ && now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    visible_ = true;
    std::cerr << '\r' << what_ << ' ' << size_text(done);
    if (of != 0) std::cerr << " of " << size_text(of) << " (" << done * 100 / of << "%)";
    std::cerr << "\033[K" << std::flush;
}

}  // namespace sigillo::ctl
