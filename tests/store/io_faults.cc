#include "tests/store/io_faults.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace sigillo::testing {
namespace {

std::array<std::atomic<int>, static_cast<std::size_t>(IoCall::kCount)> faults{};
std::atomic<std::uint64_t> syncs{0};

std::atomic<int>& fault(IoCall call) {
    return faults[static_cast<std::size_t>(call)];
}

// Sets errno when the call is to fail.
bool fails(IoCall call) {
    const int number = fault(call).load();
    if (number == 0) return false;
    errno = number;
    return true;
}

bool is_file(int fd) {
    struct stat status{};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool is_journal(int fd) {
    std::array<char, 4096> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    return size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)).find("/journal.") !=
                           std::string_view::npos;
}

}  // namespace

IoFault::IoFault(IoCall call, int error_number) : call_(call) {
    fault(call) = error_number;
}
void IoFault::lift() {
    fault(call_) = 0;
}
std::uint64_t sync_count() {
    return syncs.load();
}

}  // namespace sigillo::testing

using sigillo::testing::fails;
using sigillo::testing::IoCall;

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    if (sigillo::testing::is_journal(fd)) {
        if (fails(IoCall::kWriteData) || fails(IoCall::kJournalWrite)) return -1;
        if (fails(IoCall::kJournalHalf)) {
            if (size < 1024) return -1;
            size /= 2;
        }
    } else if (offset < 2 * ::sysconf(_SC_PAGESIZE)) {
        if (fails(IoCall::kWriteHead)) return -1;
    } else if (fails(IoCall::kWriteData) || fails(IoCall::kLmdbWrite)) {
        return -1;
    }
    return ::syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
    if (sigillo::testing::is_file(fd) && (fails(IoCall::kWriteData) || fails(IoCall::kLmdbWrite))) return -1;
    return ::syscall(SYS_writev, fd, parts, count);
}

ssize_t write(int fd, const void* data, size_t size) {
    if (sigillo::testing::is_file(fd) && fails(IoCall::kCopy)) return -1;
    return ::syscall(SYS_write, fd, data, size);
}

int fdatasync(int fd) {
    ++sigillo::testing::syncs;
    if (fails(IoCall::kSync)) return -1;
    if (sigillo::testing::is_journal(fd) && fails(IoCall::kJournalSync)) return -1;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

int ftruncate(int fd, off_t size) noexcept {
    if (sigillo::testing::is_journal(fd) && fails(IoCall::kJournalCut)) return -1;
    return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

int unlink(const char* path) noexcept {
    if (std::strstr(path, "/journal.") != nullptr && fails(IoCall::kRemove)) return -1;
    return static_cast<int>(::syscall(SYS_unlink, path));
}

}  // extern "C"
