#include "appliance/store/store_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace sigillo {
namespace {

constexpr const char* kDataName = "data.mdb";  // what LMDB opens
constexpr const char* kLockName = "lock.mdb";

// Room for the rows that come on top, however full the store is.
constexpr std::uint64_t kMoreMapBytes = std::uint64_t{1} << 30;

Status copy_lmdb(const CopyParts& parts, const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return std::unexpected(errno_error(errno, "create " + path));
    {
        const auto lease = parts.readers.note();
        SIGILLO_TRY(parts.env.copy_to(fd.get(), parts.config.compact_copies));
    }
    if (::fsync(fd.get()) != 0) return std::unexpected(errno_error(errno, "fsync " + path));
    return {};
}

// What LMDB did not have yet when it was copied.
Status complete(const CopyParts& parts, const Snapshot& snapshot, const std::string& directory) {
    LmdbConfig config = parts.config;
    config.directory = directory;
    config.check_at_open = false;
    config.map_bytes += kMoreMapBytes;
    const std::vector<Space> spaces = parts.env.spaces();
    SIGILLO_ASSIGN(const auto copy, LmdbEnv::open(config, spaces));
    SIGILLO_ASSIGN(LmdbTxn txn, copy->begin(false));
    SIGILLO_ASSIGN(const BatchMark applied, copy->applied(txn.get()));
    // A flush may have been faster: then the copy is of a later state than `snapshot`.
    if (applied.sequence >= snapshot.last.sequence) return {};
    SIGILLO_TRY(write_tables(*copy, txn.get(), snapshot));
    return copy->commit(std::move(txn));
}

Status copy_into(const CopyParts& parts, const std::string& directory) {
    // Before LMDB's own snapshot: so the two leave no batch out between them.
    const Snapshot snapshot = parts.layers.now();
    SIGILLO_TRY(copy_lmdb(parts, directory + "/" + kDataName));
    if (snapshot.frozen || !snapshot.active->empty()) {
        SIGILLO_TRY(complete(parts, snapshot, directory));
        const std::string lock = directory + "/" + kLockName;
        if (::unlink(lock.c_str()) != 0) return std::unexpected(errno_error(errno, "remove " + lock));
    }
    return sync_directory(directory);
}

}  // namespace

Status copy_store(const CopyParts& parts, const std::string& directory) {
    const bool made = ::mkdir(directory.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return std::unexpected(errno_error(errno, "create " + directory));
    std::error_code error;
    if (!std::filesystem::is_empty(directory, error) || error)
        return fail(Errc::kInvalidArgument,
                    "a copy wants an empty directory, which this is not: " + directory, "directory");
    Status copied = copy_into(parts, directory);
    if (copied && made)
        copied = sync_directory(std::filesystem::absolute(directory).lexically_normal().parent_path());
    if (!copied) {
        // Half a copy must not look like one.
        ::unlink((directory + "/" + kDataName).c_str());
        ::unlink((directory + "/" + kLockName).c_str());
        if (made) ::rmdir(directory.c_str());
    }
    return copied;
}

}  // namespace sigillo
