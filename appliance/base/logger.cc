#include "appliance/base/logger.h"

#include <unistd.h>

#include <algorithm>

#include "appliance/base/clock.h"

namespace sigillo {
namespace {

// logfmt: bare where it can be, else quoted, with control characters made visible, so that no value
// can forge a second line.
void append_value(std::string& line, std::string_view value) {
    const bool bare = !value.empty() && std::ranges::all_of(value, [](char c) {
        return c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
    });
    if (bare) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(c);
            line += "\\x";
            line += kDigits[byte >> 4];
            line += kDigits[byte & 15];
        } else {
            line += c;
        }
    }
    line += '"';
}

}  // namespace

Logger::Logger(std::string_view process, int fd, Severity least)
    : process_(process), fd_(fd), least_(least) {}

void Logger::write(Severity severity, std::string_view event, std::initializer_list<LogField> fields) {
    if (severity > least_) return;
    std::string line = "<" + std::to_string(static_cast<int>(severity)) + ">";
    line +=
        "time=" + rfc3339(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
    line += " process=" + process_ + " event=";
    append_value(line, event);
    for (const LogField& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        append_value(line, field.value);
    }
    line += '\n';
    // A log that cannot be written must not stop a signature; journald's loss counter tells.
    [[maybe_unused]] const auto written = ::write(fd_, line.data(), line.size());
}

}  // namespace sigillo
