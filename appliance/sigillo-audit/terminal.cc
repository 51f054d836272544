#include "appliance/sigillo-audit/terminal.h"

#include <unistd.h>

#include <iostream>

#include "appliance/audit/verify/canonical_json.h"
#include "appliance/sigillo-audit/commands.h"

namespace sigillo::audit_tool {

std::string printable(std::string_view text) {
    std::string shown;
    while (!text.empty()) {
        const std::string_view before = text;
        const auto point = audit::take_code_point(text);
        if (!point) {
            text.remove_prefix(1);
            shown += '?';
            continue;
        }
        const char32_t c = *point;
        const bool harmful = c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
                             (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
        if (harmful)
            shown += '?';
        else
            shown += before.substr(0, before.size() - text.size());
    }
    return shown;
}

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (shown_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressLine::show(std::uint64_t done, std::uint64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || total == 0 || now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now;
    shown_ = true;
    std::cerr << "\r\033[K" << what_ << ": " << grouped(done) << " of " << grouped(total) << " leaves, "
              << done * 100 / total << " %" << std::flush;
}

audit::LogSnapshot::Progress ProgressLine::callback() {
    return [this](std::uint64_t done, std::uint64_t total) { show(done, total); };
}

int report_failure(const Error& error) {
    std::cerr << "sigillo-audit: FAILED: " << printable(error.detail) << std::endl;
    return kDoesNotHold;
}

int report_usage(const Error& error) {
    std::cerr << "sigillo-audit: " << printable(error.detail) << std::endl;
    return kUsage;
}

}  // namespace sigillo::audit_tool
