#include "appliance/sigilloctl/restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "appliance/base/file.h"

namespace sigillo::ctl {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".restoring";  // suffix of the store's files until all are there

// One directory that is filled, with the owner that everything in it gets.
class Target {
   public:
    static Result<Target> open(const fs::path& directory, mode_t mode) {
        std::error_code code;
        const bool made = fs::create_directories(directory, code);
        if (code) return std::unexpected(errno_error(code.value(), "make " + directory.string()));
        if (made && ::chmod(directory.c_str(), mode) != 0)
            return std::unexpected(errno_error(errno, "chmod " + directory.string()));
        struct stat info {};
        if (::stat(directory.c_str(), &info) != 0)
            return std::unexpected(errno_error(errno, "look at " + directory.string()));
        return Target(directory, info.st_uid, info.st_gid);
    }

    const fs::path& directory() const { return directory_; }

    Status make_parents(const fs::path& file) {
        fs::path at = directory_;
        for (const fs::path& part : file.parent_path().lexically_relative(directory_)) {
            if (part == ".") continue;
            at /= part;
            if (::mkdir(at.c_str(), 0750) == 0) {
                SIGILLO_TRY(own(at));
            } else if (errno != EEXIST) {
                return std::unexpected(errno_error(errno, "make " + at.string()));
            }
        }
        return {};
    }
    Status own(const fs::path& path) const {
        if (::geteuid() == 0 && ::lchown(path.c_str(), uid_, gid_) != 0)
            return std::unexpected(errno_error(errno, "give " + path.string() + " to the directory's owner"));
        return {};
    }
    // What an unsuccessful restore leaves: the directory itself stays, as it was found.
    void clear() const {
        std::error_code ignored;  // the first error is the one to be told
        for (const auto& entry : fs::directory_iterator(directory_, ignored)) fs::remove_all(entry.path(), ignored);
    }

   private:
    Target(fs::path directory, uid_t uid, gid_t gid) : directory_(std::move(directory)), uid_(uid), gid_(gid) {}
    fs::path directory_;
    uid_t uid_;
    gid_t gid_;
};

fs::path without_first(const fs::path& path) { return path.lexically_relative(*path.begin()); }

Status copy_all(const fs::path& backup, const BackupManifest& manifest, Target& log, Target& store,
                const Progress& progress) {
    std::uint64_t done = 0;
    std::vector<fs::path> unfinished;
    for (const BackupFile& file : manifest.files) {
        const bool of_store = *file.path.begin() == "store";
        Target& target = of_store ? store : log;
        fs::path to = target.directory() / without_first(file.path);
        SIGILLO_TRY(target.make_parents(to));
        if (of_store) {
            unfinished.push_back(to);
            to += kUnfinished;
        }
        std::error_code code;
        if (!fs::copy_file(backup / file.path, to, code))
            return std::unexpected(errno_error(code.value(), "copy to " + to.string()));
        SIGILLO_TRY(target.own(to));
        // What was verified is what must be in place, even if somebody changed the backup in between.
        SIGILLO_ASSIGN(const Sha256Value digest, digest_file(to, [&](std::uint64_t more) {
                           done += more;
                           progress(done, manifest.bytes);
                       }));
        if (digest != file.digest) return fail(Errc::kCorrupt, file.path.string() + " changed while it was restored");
    }
    SIGILLO_TRY(sync_tree(log.directory()));
    SIGILLO_TRY(sync_tree(store.directory()));
    for (const fs::path& path : unfinished) {
        fs::path from = path;
        from += kUnfinished;
        if (::rename(from.c_str(), path.c_str()) != 0)
            return std::unexpected(errno_error(errno, "rename to " + path.string()));
    }
    return sync_tree(store.directory());
}

Status require_empty(const fs::path& directory, const char* key) {
    if (directory.empty()) return fail(Errc::kInvalidArgument, std::string(key) + " is missing from the configuration");
    std::error_code code;
    if (!fs::exists(directory, code) || fs::is_empty(directory, code)) {
        if (code && code != std::errc::no_such_file_or_directory)
            return std::unexpected(errno_error(code.value(), "look into " + directory.string()));
        return {};
    }
    return fail(Errc::kConflict, std::string(key) + " = " + directory.string() +
                                     " is not empty\n  move what is there aside and keep it, it shows what was signed since "
                                     "the backup: mv " +
                                     directory.string() + " " + directory.string() + ".before-restore");
}

}  // namespace

Status require_empty(const Settings& settings) {
    SIGILLO_TRY(require_empty(settings.store_directory, "store.directory"));
    return require_empty(settings.log_directory, "log.directory");
}

Status restore_files(const fs::path& backup, const BackupManifest& manifest, const Settings& settings,
                     const Progress& progress) {
    SIGILLO_ASSIGN(Target log, Target::open(settings.log_directory, 0750));
    SIGILLO_ASSIGN(Target store, Target::open(settings.store_directory, 0700));
    const Status status = copy_all(backup, manifest, log, store, progress);
    if (!status) {
        store.clear();
        log.clear();
    }
    return status;
}

}  // namespace sigillo::ctl
