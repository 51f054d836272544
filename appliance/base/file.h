// Files that survive a power cut. Errors: kNotFound (no such file), kStorageFull (ENOSPC, EDQUOT),
// kUnavailable (any other errno, in `native`).
#pragma once

#include <cstddef>
#include <filesystem>
#include <utility>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo {

class UniqueFd {
 public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }
    int get() const { return fd_; }
    int release() { return std::exchange(fd_, -1); }
    explicit operator bool() const { return fd_ >= 0; }
    void reset(int fd = -1);

 private:
    int fd_ = -1;
};

// The error that `number` (an errno) stands for; `what` says what was tried, with the path.
Error errno_error(int number, const std::string& what);

// The whole file; kLimitExceeded when it is longer than `limit` bytes.
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{64} << 20);

// Atomic and durable: a temporary file beside `path`, fsync, rename, fsync of the directory.
// Readers see the old or the new contents, whole.
Status write_file_durably(const std::filesystem::path& path, ByteView contents, unsigned mode = 0640);

Status sync_directory(const std::filesystem::path& directory);
// fsync of every file and directory below `root`: what SoftHSM does not do for its token.
Status sync_tree(const std::filesystem::path& root);

}  // namespace sigillo
