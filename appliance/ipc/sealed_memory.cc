#include "appliance/ipc/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

namespace sigillo::ipc {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

#ifndef MFD_NOEXEC_SEAL
constexpr unsigned MFD_NOEXEC_SEAL = 0x0008U;  // Linux 6.3; the headers of Debian 12 do not have it
#endif

}  // namespace

Result<UniqueFd> make_memory_file(const char* name) {
    constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    UniqueFd fd(::memfd_create(name, kFlags | MFD_NOEXEC_SEAL));
    if (!fd && errno == EINVAL) fd = UniqueFd(::memfd_create(name, kFlags));  // an older kernel
    if (!fd) return std::unexpected(errno_error(errno, "memfd_create"));
    return fd;
}

Status seal_memory(int fd) {
    if (::fcntl(fd, F_ADD_SEALS, kSeals) != 0) return std::unexpected(errno_error(errno, "seal a memfd"));
    return {};
}

Result<std::uint64_t> sealed_size(int fd) {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0) return fail(Errc::kInvalidArgument, "a descriptor that is no file in memory", {}, errno);
    if ((seals & kSeals) != kSeals)
        return fail(Errc::kInvalidArgument, "a file in memory that is not sealed against every change");
    struct stat info{};
    if (::fstat(fd, &info) != 0) return std::unexpected(errno_error(errno, "stat a memfd"));
    return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace sigillo::ipc
