// The shim's fault file: which calls are to go wrong, and how. Syntax in shim.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sigillo::shim {

struct Fault {
    std::string function;  // "C_Sign", or "*"
    std::optional<unsigned long> rv;
    bool after = false;  // the real call is made first, then rv answered
    std::chrono::milliseconds hang{0};
    bool corrupt = false;
    unsigned long truncate = 0;
    long skip = 0;    // calls to let pass first
    long count = -1;  // calls to hit; negative: until the file changes
};

// Thread-safe. The file is looked at (stat) on every call and read when it is another one.
class FaultFile {
 public:
    explicit FaultFile(const char* path) : path_(path != nullptr ? path : "") {}
    // The fault for this call of `function`, used up by one; nullopt: let it through.
    std::optional<Fault> take(const char* function);
    // Sleeps, but not beyond a change of the file: a test ends a hang by clearing the faults.
    void hang(std::chrono::milliseconds time);

 private:
    struct Stamp {
        std::uint64_t inode = 0;
        std::int64_t seconds = 0, nanoseconds = 0, size = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    Stamp stamp() const;
    void refresh();

    const std::string path_;
    std::mutex mutex_;  // guards what follows
    std::optional<Stamp> read_;
    std::vector<Fault> faults_;
};

}  // namespace sigillo::shim
