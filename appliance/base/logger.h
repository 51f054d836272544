// Operational log: one logfmt line an event on standard error, with the "<6>" prefix that journald
// reads as its priority. Not the audit log. Secrets have no way in: SecretBytes cannot be formatted.
// Thread-safe: a line is written with one write(2).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "appliance/base/result.h"

namespace sigillo {

enum class Severity : std::uint8_t { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6, kDebug = 7 };

struct LogField {
    std::string_view key;
    std::string value;
    LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
    LogField(std::string_view k, const char* v) : key(k), value(v) {}
    LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
    LogField(std::string_view k, std::int64_t v) : key(k), value(std::to_string(v)) {}
    LogField(std::string_view k, std::uint64_t v) : key(k), value(std::to_string(v)) {}
    LogField(std::string_view k, int v) : key(k), value(std::to_string(v)) {}
    LogField(std::string_view k, const Error& e) : key(k), value(to_string(e)) {}
};

class Logger {
 public:
    // `fd` stays the caller's. Lines below `least` are dropped.
    explicit Logger(std::string_view process, int fd = 2, Severity least = Severity::kInfo);
    void write(Severity severity, std::string_view event, std::initializer_list<LogField> fields = {});
    void error(std::string_view event, std::initializer_list<LogField> f = {}) {
        write(Severity::kError, event, f);
    }
    void warning(std::string_view event, std::initializer_list<LogField> f = {}) {
        write(Severity::kWarning, event, f);
    }
    void notice(std::string_view event, std::initializer_list<LogField> f = {}) {
        write(Severity::kNotice, event, f);
    }
    void info(std::string_view event, std::initializer_list<LogField> f = {}) {
        write(Severity::kInfo, event, f);
    }

 private:
    const std::string process_;
    const int fd_;
    const Severity least_;
};

}  // namespace sigillo
