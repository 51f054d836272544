#include "tests/fault/pkcs11_shim/faults.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace sigillo::shim {
namespace {

// A test with a typing error must not pass for want of a fault.
[[noreturn]] void refuse(const std::string& line) {
    std::fprintf(stderr, "sigillo_p11_shim: cannot understand the fault line: %s\n", line.c_str());
    std::abort();
}

void set(Fault& fault, const std::string& word, const std::string& line) {
    const auto equals = word.find('=');
    if (equals == std::string::npos) refuse(line);
    const std::string key = word.substr(0, equals);
    char* end = nullptr;
    const long value = std::strtol(word.c_str() + equals + 1, &end, 0);
    if (*end != '\0' || equals + 1 == word.size()) refuse(line);
    if (key == "rv" || key == "rv_after") {
        fault.rv = static_cast<unsigned long>(value);
        fault.after = key == "rv_after";
    } else if (key == "hang_ms") {
        fault.hang = std::chrono::milliseconds(value);
    } else if (key == "corrupt") {
        fault.corrupt = value != 0;
    } else if (key == "truncate") {
        fault.truncate = static_cast<unsigned long>(value);
    } else if (key == "skip") {
        fault.skip = value;
    } else if (key == "count") {
        fault.count = value;
    } else {
        refuse(line);
    }
}

std::vector<Fault> parse(std::istream& in) {
    std::vector<Fault> faults;
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        Fault fault;
        if (!(words >> fault.function) || fault.function.front() == '#') continue;
        for (std::string word; words >> word;) set(fault, word, line);
        faults.push_back(std::move(fault));
    }
    return faults;
}

}  // namespace

FaultFile::Stamp FaultFile::stamp() const {
    struct stat now{};
    if (path_.empty() || ::stat(path_.c_str(), &now) != 0) return {};
    return {now.st_ino, now.st_mtim.tv_sec, now.st_mtim.tv_nsec, now.st_size};
}

void FaultFile::refresh() {
    const Stamp now = stamp();
    if (read_ == now) return;
    faults_.clear();
    if (now != Stamp{}) {
        std::ifstream in(path_);
        faults_ = parse(in);
    }
    read_ = now;
}

std::optional<Fault> FaultFile::take(const char* function) {
    const std::lock_guard lock(mutex_);
    refresh();
    for (Fault& fault : faults_) {
        if (fault.count == 0 || (fault.function != "*" && fault.function != function)) continue;
        if (fault.skip > 0) {
            --fault.skip;
            continue;
        }
        if (fault.count > 0) --fault.count;
        return fault;
    }
    return std::nullopt;
}

void FaultFile::hang(std::chrono::milliseconds time) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kSlice{5};
    const Stamp before = stamp();
    for (const auto end = Clock::now() + time; Clock::now() < end && stamp() == before;)
        std::this_thread::sleep_for(kSlice);
}

}  // namespace sigillo::shim
