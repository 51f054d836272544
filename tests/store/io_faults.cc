#include "tests/store/io_faults.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>

namespace sigillo::testing {
namespace {

std::array<std::atomic<int>, 4> faults{};
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
    const bool head = offset < 2 * ::sysconf(_SC_PAGESIZE);
    if (fails(head ? IoCall::kWriteHead : IoCall::kWriteData)) return -1;
    return ::syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
    if (sigillo::testing::is_file(fd) && fails(IoCall::kWriteData)) return -1;
    return ::syscall(SYS_writev, fd, parts, count);
}

ssize_t write(int fd, const void* data, size_t size) {
    if (sigillo::testing::is_file(fd) && fails(IoCall::kCopy)) return -1;
    return ::syscall(SYS_write, fd, data, size);
}

int fdatasync(int fd) {
    ++sigillo::testing::syncs;
    if (fails(IoCall::kSync)) return -1;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

}  // extern "C"
