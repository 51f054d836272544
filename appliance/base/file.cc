#include "appliance/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace sigillo {
namespace {

Status sync_path(const std::filesystem::path& path, int flags) {
    const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!fd) return std::unexpected(errno_error(errno, "open " + path.string()));
    if (::fsync(fd.get()) != 0) return std::unexpected(errno_error(errno, "fsync " + path.string()));
    return {};
}

Status write_all(int fd, ByteView contents, const std::string& name) {
    while (!contents.empty()) {
        const auto written = ::write(fd, contents.data(), contents.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return std::unexpected(errno_error(errno, "write " + name));
        }
        contents = contents.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

void UniqueFd::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

Error errno_error(int number, const std::string& what) {
    const Errc code = number == ENOENT                       ? Errc::kNotFound
                      : number == ENOSPC || number == EDQUOT ? Errc::kStorageFull
                                                             : Errc::kUnavailable;
    return Error{code, what + ": " + std::generic_category().message(number), {}, number};
}

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t limit) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::unexpected(errno_error(errno, "open " + path.string()));
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return std::unexpected(errno_error(errno, "stat " + path.string()));
    Bytes contents;
    contents.reserve(static_cast<std::size_t>(info.st_size));
    std::uint8_t chunk[16384];
    for (;;) {
        const auto got = ::read(fd.get(), chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(errno_error(errno, "read " + path.string()));
        if (got == 0) return contents;
        if (contents.size() + static_cast<std::size_t>(got) > limit)
            return fail(Errc::kLimitExceeded,
                        path.string() + " is longer than " + std::to_string(limit) + " bytes");
        append(contents, ByteView(chunk, static_cast<std::size_t>(got)));
    }
}

Status write_file_durably(const std::filesystem::path& path, ByteView contents, unsigned mode) {
    std::string temporary = path.string() + ".XXXXXX";
    UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd) return std::unexpected(errno_error(errno, "create " + temporary));
    auto status = [&]() -> Status {
        if (::fchmod(fd.get(), mode) != 0) return std::unexpected(errno_error(errno, "chmod " + temporary));
        SIGILLO_TRY(write_all(fd.get(), contents, temporary));
        if (::fsync(fd.get()) != 0) return std::unexpected(errno_error(errno, "fsync " + temporary));
        if (::rename(temporary.c_str(), path.c_str()) != 0)
            return std::unexpected(errno_error(errno, "rename to " + path.string()));
        return {};
    }();
    if (!status) {
        ::unlink(temporary.c_str());
        return status;
    }
    return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

Status sync_directory(const std::filesystem::path& directory) {
    return sync_path(directory, O_RDONLY | O_DIRECTORY);
}

Status sync_tree(const std::filesystem::path& root) {
    std::error_code code;
    for (auto entry = std::filesystem::recursive_directory_iterator(root, code);
         !code && entry != std::filesystem::recursive_directory_iterator(); entry.increment(code)) {
        if (entry->is_directory(code)) {
            SIGILLO_TRY(sync_directory(entry->path()));
        } else if (entry->is_regular_file(code)) {
            SIGILLO_TRY(sync_path(entry->path(), O_RDONLY));
        }
    }
    if (code) return std::unexpected(errno_error(code.value(), "walk " + root.string()));
    return sync_directory(root);
}

}  // namespace sigillo
