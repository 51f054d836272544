// Start-up checks: secrets on disk that others could read or replace.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "appliance/base/file.h"
#include "hardening/hardening.h"

namespace sigillo {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

Result<struct stat> look_at(const std::filesystem::path& path) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0)
        return std::unexpected(errno_error(errno, "look at " + path.string()));
    return info;
}

Status owned_by_us_alone(const std::filesystem::path& path, const struct stat& info) {
    if (info.st_uid != ::geteuid())
        return fail(Errc::kForbidden, path.string() + " belongs to uid " + std::to_string(info.st_uid) +
                                          ", not to this process: chown " + std::to_string(::geteuid()) +
                                          " " + path.string());
    if ((info.st_mode & kOthers) != 0)
        return fail(Errc::kForbidden, path.string() + " is open to other users: chmod go= " + path.string());
    return {};
}

}  // namespace

Status check_secret_file(const std::filesystem::path& path) {
    SIGILLO_ASSIGN(const struct stat info, look_at(path));
    if (!S_ISREG(info.st_mode)) return fail(Errc::kForbidden, path.string() + " is not a regular file");
    SIGILLO_TRY(owned_by_us_alone(path, info));
    // Whoever can write the directory can put another file in this one's place.
    const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
    struct stat around{};
    if (::stat(directory.c_str(), &around) != 0)
        return std::unexpected(errno_error(errno, "look at " + directory.string()));
    if (around.st_uid != ::geteuid() && around.st_uid != 0)
        return fail(Errc::kForbidden, directory.string() + ", which holds a secret file, belongs to uid " +
                                          std::to_string(around.st_uid) +
                                          ": chown it to this process's user or root");
    if ((around.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (around.st_mode & S_ISVTX) == 0)
        return fail(Errc::kForbidden, directory.string() +
                                          ", which holds a secret file, can be changed by other " +
                                          "users: chmod go-w " + directory.string());
    return {};
}

Status check_private_directory(const std::filesystem::path& path) {
    SIGILLO_ASSIGN(const struct stat info, look_at(path));
    if (!S_ISDIR(info.st_mode)) return fail(Errc::kForbidden, path.string() + " is not a directory");
    return owned_by_us_alone(path, info);
}

Status check_guarded_directory(const std::filesystem::path& path) {
    SIGILLO_ASSIGN(const struct stat info, look_at(path));
    if (!S_ISDIR(info.st_mode)) return fail(Errc::kForbidden, path.string() + " is not a directory");
    if (info.st_uid != ::geteuid() && info.st_uid != 0)
        return fail(Errc::kForbidden, path.string() + " belongs to uid " + std::to_string(info.st_uid) +
                                          ": chown it to this process's user (" +
                                          std::to_string(::geteuid()) + ") or root");
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(Errc::kForbidden,
                    path.string() + " can be changed by other users: chmod go-w " + path.string());
    return {};
}

}  // namespace sigillo
