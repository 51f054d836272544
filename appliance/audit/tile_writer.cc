#include "appliance/audit/tile_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "appliance/base/file.h"

namespace sigillo::audit {
namespace {

constexpr mode_t kFileMode = 0640;  // auditors read through the group
constexpr mode_t kFolderMode = 0750;

Status write_all(int fd, ByteView contents, const std::string& name) {
    while (!contents.empty()) {
        const auto written = ::write(fd, contents.data(), contents.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return std::unexpected(errno_error(errno, "write " + name));
        contents = contents.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

Status TileWriter::make_folder(const std::filesystem::path& folder) {
    if (::mkdir(folder.c_str(), kFolderMode) == 0) {
        unsynced_.insert(folder.parent_path());
        return {};
    }
    if (errno == EEXIST) return {};
    if (errno != ENOENT || folder == root_)
        return std::unexpected(errno_error(errno, "mkdir " + folder.string()));
    SIGILLO_TRY(make_folder(folder.parent_path()));
    return make_folder(folder);
}

Status TileWriter::prepare() {
    std::error_code code;
    std::filesystem::create_directories(root_, code);
    if (code) return std::unexpected(errno_error(code.value(), "mkdir " + root_.string()));
    const auto temporary = root_ / kTemporaryFolder;
    std::filesystem::remove_all(temporary, code);
    if (code) return std::unexpected(errno_error(code.value(), "empty " + temporary.string()));
    SIGILLO_TRY(make_folder(temporary));
    return sync();
}

Status TileWriter::put(const TileName& name, ByteView contents) {
    const auto path = root_ / tile_path(name);
    const auto temporary = root_ / kTemporaryFolder / std::to_string(serial_++);
    auto status = [&]() -> Status {
        const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
        if (!fd) return std::unexpected(errno_error(errno, "create " + temporary.string()));
        SIGILLO_TRY(write_all(fd.get(), contents, temporary.string()));
        if (::fdatasync(fd.get()) != 0)
            return std::unexpected(errno_error(errno, "fdatasync " + temporary.string()));
        SIGILLO_TRY(make_folder(path.parent_path()));
        if (::rename(temporary.c_str(), path.c_str()) != 0)
            return std::unexpected(errno_error(errno, "rename to " + path.string()));
        unsynced_.insert(path.parent_path());
        return {};
    }();
    if (!status) ::unlink(temporary.c_str());
    return status;
}

Status TileWriter::sync() {
    for (const auto& folder : unsynced_) SIGILLO_TRY(sync_directory(folder));
    unsynced_.clear();
    return {};
}

Status TileWriter::remove_partials(const std::filesystem::path& root, unsigned level, std::uint64_t index,
                                   std::initializer_list<std::uint64_t> keep) {
    for (const bool entries : {false, true}) {
        if (entries && level != 0) continue;
        const auto folder = (root / tile_path({entries, level, index, 1})).parent_path();
        std::error_code code;
        bool empty = true;
        for (auto file = std::filesystem::directory_iterator(folder, code);
             !code && file != std::filesystem::directory_iterator(); file.increment(code)) {
            const std::string width = file->path().filename().string();
            const bool needed = std::ranges::any_of(keep, [&](std::uint64_t size) {
                return width == std::to_string(tile_width(size, level, index));
            });
            if (needed)
                empty = false;
            else if (::unlink(file->path().c_str()) != 0)
                return std::unexpected(errno_error(errno, "remove " + file->path().string()));
        }
        if (code == std::errc::no_such_file_or_directory) continue;
        if (code) return std::unexpected(errno_error(code.value(), "list " + folder.string()));
        if (empty && ::rmdir(folder.c_str()) != 0)
            return std::unexpected(errno_error(errno, "remove " + folder.string()));
    }
    return {};
}

}  // namespace sigillo::audit
