#include "api/documents/memory_file.h"

#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "appliance/ipc/sealed_memory.h"

namespace sigillo::api::documents {
namespace {

constexpr std::size_t kPiece = std::size_t{256} * 1024;

}  // namespace

Result<std::shared_ptr<MemoryFile>> MemoryFile::create(const char* name) {
    SIGILLO_ASSIGN(UniqueFd fd, ipc::make_memory_file(name));
    return std::shared_ptr<MemoryFile>(new MemoryFile(std::move(fd)));
}

Result<std::shared_ptr<MemoryFile>> MemoryFile::of(ByteView bytes, const char* name) {
    SIGILLO_ASSIGN(auto file, create(name));
    SIGILLO_TRY(file->append(bytes));
    return file;
}

Result<std::uint64_t> MemoryFile::size() const {
    struct stat info{};
    if (::fstat(fd_.get(), &info) != 0) return std::unexpected(errno_error(errno, "stat a document"));
    return static_cast<std::uint64_t>(info.st_size);
}

Status MemoryFile::append(ByteView bytes) {
    SIGILLO_ASSIGN(const std::uint64_t end, size());
    return write(end, bytes);
}

Status MemoryFile::write(std::uint64_t offset, ByteView bytes) const {
    while (!bytes.empty()) {
        const auto count = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(errno_error(errno, "write a document"));
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

Status MemoryFile::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    while (!out.empty()) {
        const auto count = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(errno_error(errno, "read a document"));
        if (count == 0) return fail(Errc::kUnavailable, "a document ended early");
        out = out.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

Result<std::shared_ptr<MemoryFile>> MemoryFile::copy(const char* name) const {
    SIGILLO_ASSIGN(auto out, create(name));
    SIGILLO_ASSIGN(const std::uint64_t end, size());
    off_t offset = 0;
    while (static_cast<std::uint64_t>(offset) < end) {
        const auto count =
            ::sendfile(out->fd(), fd_.get(), &offset, end - static_cast<std::uint64_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return std::unexpected(errno_error(count < 0 ? errno : EIO, "copy a document"));
    }
    return out;
}

Status MemoryFile::seal() const {
    return ipc::seal_memory(fd_.get());
}

Result<Digest> MemoryFile::digest(HashAlgorithm algorithm) const {
    SIGILLO_ASSIGN(const std::uint64_t end, size());
    const Range whole{0, end};
    return digest(algorithm, {&whole, 1});
}

Result<Digest> MemoryFile::digest(HashAlgorithm algorithm, std::span<const Range> ranges) const {
    Hasher hasher(algorithm);
    Bytes piece(kPiece);
    for (Range range : ranges) {
        while (range.size > 0) {
            const std::span<std::uint8_t> part(piece.data(),
                                               std::min<std::uint64_t>(range.size, piece.size()));
            SIGILLO_TRY(read(range.offset, part));
            hasher.update(part);
            range.offset += part.size();
            range.size -= part.size();
        }
    }
    return hasher.digest();
}

}  // namespace sigillo::api::documents
