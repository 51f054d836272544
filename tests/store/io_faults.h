// Disk faults for code that writes through libc: while a Fault lives, the chosen calls of this process fail.
//
// The program's own pwrite, writev, write, fdatasync and unlink take the place of libc's, for liblmdb too.
#pragma once

#include <cstdint>

namespace sigillo::testing {

enum class IoCall : std::uint8_t {
    kWriteData,     // every write to the journal or to pages of LMDB behind the first two
    kWriteHead,     // pwrite within the first two pages of LMDB's file: its meta pages
    kSync,          // fdatasync of anything
    kCopy,          // write to anything but a terminal or pipe
    kJournalWrite,  // pwrite to the journal alone
    kJournalHalf,   // the same, after half of the bytes were written
    kJournalSync,   // fdatasync of the journal alone
    kJournalCut,    // ftruncate of the journal
    kLmdbWrite,     // writes to pages of LMDB alone
    kRemove,        // unlink of a journal file
    kCount,
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
