// A document's bytes as read-only memory, without copying them: the kernel pages them in and may drop them
// again.
//
// Whoever shortens the file meanwhile kills the process that reads (SIGBUS): one more reason for a process
// per document. Movable; not thread-safe.
#pragma once

#include <cstdint>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::pdf {

class MappedFile {
 public:
    // kInvalidArgument (field "document"): empty, or not a regular file. kLimitExceeded (field "document"):
    // more than `limit` octets. kUnavailable: the kernel refuses. `fd` stays the caller's.
    static Result<MappedFile> open(int fd, std::uint64_t limit);

    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&&) = delete;
    ~MappedFile();

    ByteView bytes() const { return {data_, size_}; }

    // Truncates `out` and writes all of this file, then `appended`. kUnavailable, kStorageFull.
    Status copy_with(ByteView appended, int out) const;

 private:
    MappedFile(int fd, const std::uint8_t* data, std::size_t size) : fd_(fd), data_(data), size_(size) {}
    int fd_;
    const std::uint8_t* data_;
    std::size_t size_;
};

}  // namespace sigillo::pdf
