#include "tests/fault/pkcs11_shim/call_counts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sigillo::shim {

CallCounts::CallCounts(const char* path, const std::vector<std::string>& functions) {
    if (path == nullptr || *path == '\0') return;
    const std::size_t size = functions.size() * kLine;
    const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat found{};
    if (fd < 0 || ::fstat(fd, &found) != 0 || ::ftruncate(fd, static_cast<off_t>(size)) != 0) {
        std::perror("sigillo_p11_shim: SIGILLO_SHIM_COUNTS");
        std::abort();
    }
    void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (mapped == MAP_FAILED) std::abort();
    lines_ = static_cast<char*>(mapped);
    if (static_cast<std::size_t>(found.st_size) == size) return;
    for (std::size_t at = 0; at < functions.size(); ++at) {
        std::string line = functions[at];
        line.resize(kLine - kDigits - 1, ' ');
        line += std::string(kDigits, '0') + "\n";
        std::memcpy(lines_ + at * kLine, line.data(), kLine);
    }
}

void CallCounts::count(std::size_t function) {
    if (lines_ == nullptr) return;
    const std::lock_guard lock(mutex_);
    char* digit = lines_ + (function + 1) * kLine - 2;
    for (std::size_t left = kDigits; left > 0; --left, --digit) {
        if (*digit != '9') {
            ++*digit;
            return;
        }
        *digit = '0';
    }
}

}  // namespace sigillo::shim
