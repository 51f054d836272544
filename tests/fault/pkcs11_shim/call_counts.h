// How often each function was called, in a text file that can be read at any time: "C_Login 0000000001", a
// line a function. Numbers go on from what the file holds, so they add up over restarts of one process after
// another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace sigillo::shim {

// Thread-safe.
class CallCounts {
 public:
    // Counts nothing when `path` is null. Ends the process when the file cannot be mapped.
    CallCounts(const char* path, const std::vector<std::string>& functions);
    void count(std::size_t function);

 private:
    static constexpr std::size_t kLine = 40;  // name, blanks, ten digits, line end
    static constexpr std::size_t kDigits = 10;
    std::mutex mutex_;
    char* lines_ = nullptr;  // mapped, guarded by mutex_
};

}  // namespace sigillo::shim
