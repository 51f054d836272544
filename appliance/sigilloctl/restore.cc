#include "appliance/sigilloctl/restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "appliance/base/file.h"
#include "appliance/sigilloctl/context.h"

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
        struct stat info{};
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
        for (const auto& entry : fs::directory_iterator(directory_, ignored))
            fs::remove_all(entry.path(), ignored);
    }

 private:
    Target(fs::path directory, uid_t uid, gid_t gid)
        : directory_(std::move(directory)), uid_(uid), gid_(gid) {}
    fs::path directory_;
    uid_t uid_;
    gid_t gid_;
};

fs::path without_first(const fs::path& path) {
    return path.lexically_relative(*path.begin());
}

bool same_place(const fs::path& a, const fs::path& b) {
    std::error_code code;
    return fs::equivalent(a, b, code) && !code;
}

// The parts of a log directory that are the log; anything else there was being written when its machine
// stopped.
Status copy_log(const fs::path& from, Target& log) {
    for (const char* part : {"tile", "epochs"}) {
        std::error_code code;
        if (!fs::exists(from / part, code)) continue;
        for (auto entry = fs::recursive_directory_iterator(from / part, code);
             !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
            if (!entry->is_regular_file(code)) continue;
            const fs::path to = log.directory() / entry->path().lexically_relative(from);
            SIGILLO_TRY(log.make_parents(to));
            if (!fs::copy_file(entry->path(), to, code)) break;
            SIGILLO_TRY(log.own(to));
        }
        if (code) return std::unexpected(errno_error(code.value(), "copy " + (from / part).string()));
    }
    std::error_code code;
    if (!fs::copy_file(from / "checkpoint", log.directory() / "checkpoint", code))
        return std::unexpected(errno_error(code.value(), "copy " + (from / "checkpoint").string()));
    return log.own(log.directory() / "checkpoint");
}

struct Head {
    std::string origin;
    std::uint64_t size = 0;
};

// The first two lines of a checkpoint.
std::optional<Head> head_of(std::string_view note) {
    const auto first = note.find('\n');
    const auto second = first == std::string_view::npos ? first : note.find('\n', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    Head head{std::string(note.substr(0, first)), 0};
    const auto digits = note.substr(first + 1, second - first - 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), head.size);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return head;
}

class Restoring {
 public:
    Restoring(const RestorePart& part, Target store, Target log)
        : part_(part), store_(std::move(store)), log_(std::move(log)) {}

    static Result<Restoring> open(const RestorePart& part) {
        SIGILLO_ASSIGN(Target log, Target::open(part.log_directory, 0750));
        SIGILLO_ASSIGN(Target store, Target::open(part.store_directory, 0700));
        return Restoring(part, std::move(store), std::move(log));
    }

    // Everything, the store's files under names that nobody looks for.
    Status copy(const fs::path& backup, const BackupManifest& manifest, const Progress& progress,
                std::uint64_t& done) {
        if (!part_.newer_log.empty() && !in_place()) SIGILLO_TRY(copy_log(part_.newer_log, log_));
        for (const BackupFile& file : manifest.files) {
            const bool of_store = *file.path.begin() == part_.store;
            const bool of_log = *file.path.begin() == part_.log && part_.newer_log.empty();
            if (!of_store && !of_log) continue;
            Target& target = of_store ? store_ : log_;
            fs::path to = target.directory() / without_first(file.path);
            SIGILLO_TRY(target.make_parents(to));
            if (of_store) {
                unfinished_.push_back(to);
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
            if (digest != file.digest)
                return fail(Errc::kCorrupt, file.path.string() + " changed while it was restored");
        }
        SIGILLO_TRY(sync_tree(log_.directory()));
        return sync_tree(store_.directory());
    }
    Status finish() {
        for (const fs::path& path : unfinished_) {
            fs::path from = path;
            from += kUnfinished;
            if (::rename(from.c_str(), path.c_str()) != 0)
                return std::unexpected(errno_error(errno, "rename to " + path.string()));
        }
        return sync_tree(store_.directory());
    }
    void undo() const {
        store_.clear();
        if (!in_place()) log_.clear();
    }

 private:
    bool in_place() const {
        return !part_.newer_log.empty() && same_place(part_.newer_log, part_.log_directory);
    }
    const RestorePart& part_;
    Target store_;
    Target log_;
    std::vector<fs::path> unfinished_;
};

Status require_empty(const fs::path& directory, const std::string& key) {
    if (directory.empty()) return fail(Errc::kInvalidArgument, key + " is missing from the configuration");
    std::error_code code;
    if (!fs::exists(directory, code) || fs::is_empty(directory, code)) {
        if (code && code != std::errc::no_such_file_or_directory)
            return std::unexpected(errno_error(code.value(), "look into " + directory.string()));
        return {};
    }
    return fail(Errc::kConflict,
                key + " = " + directory.string() +
                    " is not empty\n  move what is there aside and keep it, it shows what was signed since "
                    "the backup: mv " +
                    directory.string() + " " + directory.string() + ".before-restore");
}

}  // namespace

Status require_empty(const RestorePart& part) {
    SIGILLO_TRY(require_empty(part.store_directory, part.store_key));
    if (!part.newer_log.empty() && same_place(part.newer_log, part.log_directory)) return {};
    return require_empty(part.log_directory, part.log_key);
}

Status check_newer_log(const RestorePart& part) {
    constexpr std::size_t kLimit = std::size_t{64} * 1024;  // bytes: a checkpoint
    const fs::path& newer_log = part.newer_log;
    if (newer_log.empty()) return {};
    const auto note = read_file(newer_log / "checkpoint", kLimit);
    if (!note)
        return std::unexpected(
            with_advice(note.error(), "it is to be a published log: a directory with checkpoint and tile/"));
    const auto newer = head_of(as_text(*note));
    const auto ours = head_of(part.checkpoint);
    if (!newer) return fail(Errc::kConflict, newer_log.string() + "/checkpoint is not a checkpoint");
    if (ours && newer->origin == ours->origin && newer->size < ours->size)
        return fail(Errc::kConflict, newer_log.string() + " has " + std::to_string(newer->size) +
                                         " leaves, the backup's own log " + std::to_string(ours->size) +
                                         ": it is older\n  leave it out");
    return {};
}

Status restore_files(const fs::path& backup, const BackupManifest& manifest,
                     const std::vector<RestorePart>& parts, const Progress& progress) {
    std::vector<Restoring> halves;
    for (const RestorePart& part : parts) {
        SIGILLO_ASSIGN(Restoring half, Restoring::open(part));
        halves.push_back(std::move(half));
    }
    std::uint64_t done = 0;
    Status status;
    for (Restoring& half : halves)
        if (status) status = half.copy(backup, manifest, progress, done);
    for (Restoring& half : halves)
        if (status) status = half.finish();
    if (!status)
        for (const Restoring& half : halves) half.undo();
    return status;
}

}  // namespace sigillo::ctl
