#include "api/documents/pdf/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "appliance/base/file.h"

namespace sigillo::pdf {
namespace {

constexpr std::size_t kPiece = std::size_t{8} << 20;

Status write_all(int out, ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(out, bytes.data(), std::min(bytes.size(), kPiece));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return std::unexpected(errno_error(written < 0 ? errno : EIO, "writing the document"));
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

// In the kernel where it can: nothing of the document needs to become resident here.
Status send_all(int from, ByteView bytes, int out) {
    off_t offset = 0;
    while (static_cast<std::size_t>(offset) < bytes.size()) {
        const std::size_t left = bytes.size() - static_cast<std::size_t>(offset);
        const ssize_t sent = ::sendfile(out, from, &offset, std::min(left, kPiece));
        if (sent > 0 || (sent < 0 && errno == EINTR)) continue;
        if (sent == 0 || errno == EINVAL || errno == ENOSYS || errno == EPERM) break;
        return std::unexpected(errno_error(errno, "copying the document"));
    }
    return write_all(out, bytes.subspan(static_cast<std::size_t>(offset)));
}

}  // namespace

Result<MappedFile> MappedFile::open(int fd, std::uint64_t limit) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return std::unexpected(errno_error(errno, "looking at the document"));
    if (!S_ISREG(status.st_mode))
        return fail(Errc::kInvalidArgument, "the document is not a regular file", "document");
    if (status.st_size <= 0) return fail(Errc::kInvalidArgument, "the document is empty", "document");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > limit)
        return fail(
            Errc::kLimitExceeded,
            "the document has " + std::to_string(size) + " octets, more than " + std::to_string(limit),
            "document");
    void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return std::unexpected(errno_error(errno, "mapping the document"));
    return MappedFile(fd, static_cast<const std::uint8_t*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : fd_(other.fd_), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile::~MappedFile() {
    if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

Status MappedFile::copy_with(ByteView appended, int out) const {
    if (::ftruncate(out, 0) != 0) return std::unexpected(errno_error(errno, "emptying the output"));
    if (::lseek(out, 0, SEEK_SET) < 0) return std::unexpected(errno_error(errno, "rewinding the output"));
    SIGILLO_TRY(send_all(fd_, bytes(), out));
    return write_all(out, appended);
}

}  // namespace sigillo::pdf
