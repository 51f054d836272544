// Disk faults for code that writes through libc: while a Fault lives, the chosen calls of this process fail.
//
// The program's own pwrite, writev, write and fdatasync take the place of libc's, for liblmdb too.
#pragma once

#include <cstdint>

namespace sigillo::testing {

enum class IoCall : std::uint8_t {
    kWriteData,  // pwrite and writev of pages behind the first two
    kWriteHead,  // pwrite within the first two pages: LMDB's meta pages
    kSync,       // fdatasync
    kCopy,       // write to anything but a terminal or pipe
};

class IoFault {
 public:
    IoFault(IoCall call, int error_number);
    ~IoFault() { lift(); }
    IoFault(const IoFault&) = delete;
    IoFault& operator=(const IoFault&) = delete;
    void lift();

 private:
    IoCall call_;
};

// Calls of fdatasync since the program's start.
std::uint64_t sync_count();

}  // namespace sigillo::testing
