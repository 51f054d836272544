#include "appliance/sigillod/backup.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "appliance/base/clock.h"
#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"
#include "appliance/base/file.h"

namespace sigillo {
namespace {

namespace fs = std::filesystem;

// SHA-256 of a file without holding it in memory.
Result<Sha256Value> file_digest(const fs::path& path, std::uint64_t& bytes) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return std::unexpected(errno_error(errno, "open " + path.string()));
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> md(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (!md || EVP_DigestInit_ex(md.get(), EVP_sha256(), nullptr) != 1)
        return fail(Errc::kInternal, "SHA-256");
    Bytes chunk(1 << 16);
    for (;;) {
        const auto got = ::read(fd.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(errno_error(errno, "read " + path.string()));
        if (got == 0) break;
        EVP_DigestUpdate(md.get(), chunk.data(), static_cast<std::size_t>(got));
        bytes += static_cast<std::uint64_t>(got);
    }
    Sha256Value value;
    EVP_DigestFinal_ex(md.get(), value.data(), nullptr);
    return value;
}

Status copy_one(const fs::path& from, const fs::path& to) {
    std::error_code code;
    fs::create_directories(to.parent_path(), code);
    if (!code) fs::copy_file(from, to, fs::copy_options::overwrite_existing, code);
    if (code)
        return std::unexpected(errno_error(code.value(), "copy " + from.string() + " to " + to.string()));
    return {};
}

bool is_partial_tile(const fs::path& relative) {
    return std::ranges::any_of(relative, [](const fs::path& part) { return part.extension() == ".p"; });
}

enum class Take : std::uint8_t { kAll, kFullTiles };

// Files below `directory`, named relative to `root`. With kFullTiles the folders of partial tiles, which come
// and go while the log is published, are not even looked into.
Status list_files(const fs::path& directory, const fs::path& root, Take take, std::vector<fs::path>& files) {
    std::error_code code;
    if (!fs::exists(directory, code)) return {};
    for (auto entry = fs::recursive_directory_iterator(directory, code);
         !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
        if (take == Take::kFullTiles && entry->path().extension() == ".p") {
            entry.disable_recursion_pending();
            continue;
        }
        std::error_code gone;
        if (entry->is_regular_file(gone)) files.push_back(entry->path().lexically_relative(root));
    }
    if (code) return std::unexpected(errno_error(code.value(), "list " + directory.string()));
    return {};
}

// The checkpoint that the copy of the log has.
Result<std::string> copy_half(const OfficerOrder& order, const BackupHalf& half, const fs::path& store_copy,
                              const fs::path& log_copy) {
    // The log says first that this backup was ordered: the copy itself holds the entry.
    SIGILLO_TRY(half.ledger.update([&](audit::Recorder& recorder) -> Status {
        audit::Event event = recorder.event("backup.created");
        set_order(event, order);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    }));
    // The checkpoint and its partial tiles, which change, while nothing is published; then the store, whose
    // log is that checkpoint's or longer; last the full tiles, which never change: with them every leaf that
    // the store has packed away.
    std::string checkpoint;
    SIGILLO_TRY(half.publisher.publish());
    SIGILLO_TRY(half.publisher.quietly([&](const std::string& note) -> Status {
        checkpoint = note;
        std::vector<fs::path> files;
        SIGILLO_TRY(list_files(half.log_directory / "tile", half.log_directory, Take::kAll, files));
        std::erase_if(files, [](const fs::path& file) { return !is_partial_tile(file); });
        files.emplace_back("checkpoint");
        for (const fs::path& file : files) SIGILLO_TRY(copy_one(half.log_directory / file, log_copy / file));
        return {};
    }));
    SIGILLO_TRY(half.ledger.store().copy_to(store_copy.string()));
    // Nothing else: what is being written stands beside these under names of its own.
    std::vector<fs::path> files;
    SIGILLO_TRY(list_files(half.log_directory / "tile", half.log_directory, Take::kFullTiles, files));
    SIGILLO_TRY(list_files(half.log_directory / "epochs", half.log_directory, Take::kAll, files));
    for (const fs::path& file : files) SIGILLO_TRY(copy_one(half.log_directory / file, log_copy / file));
    return checkpoint;
}

}  // namespace

Result<BackupReport> Backup::create(const OfficerOrder& order, const std::string& directory) {
    if (running_.exchange(true)) return fail(Errc::kConflict, "a backup is running already", "directory");
    const std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool>*)> ends(
        &running_, [](std::atomic<bool>* running) { *running = false; });
    const fs::path target(directory);
    if (!target.is_absolute()) return fail(Errc::kInvalidArgument, "an absolute path is needed", "directory");
    std::error_code code;
    if (fs::exists(target, code) && !fs::is_empty(target, code))
        return fail(Errc::kAlreadyExists, target.string() + " is not empty", "directory");
    fs::create_directories(target, code);
    if (code)
        return fail(Errc::kForbidden,
                    "cannot make " + target.string() + ": " + code.message() +
                        " (sigillod writes only below sigillod.backup_directories)",
                    "directory", code.value());
    fs::permissions(target, fs::perms::owner_all, code);
    auto report = copy(order, target);
    if (!report) fs::remove_all(target, code);
    return report;
}

Result<BackupReport> Backup::copy(const OfficerOrder& order, const fs::path& directory) {
    BackupReport report;
    report.directory = directory.string();
    SIGILLO_ASSIGN(report.checkpoint, copy_half(order, signing_, directory / "store", directory / "log"));
    if (tsa_) {
        SIGILLO_ASSIGN(report.tsa_checkpoint,
                       copy_half(order, *tsa_, directory / "tsa-store", directory / "tsa-log"));
    }
    SIGILLO_TRY(sync_tree(directory));

    nlohmann::json manifest = {{"format", 2},
                               {"created", rfc3339(signing_.ledger.clock().now())},
                               {"officer", order.officer},
                               {"checkpoint", report.checkpoint},
                               {"files", nlohmann::json::array()}};
    if (tsa_) manifest["tsa_checkpoint"] = report.tsa_checkpoint;
    std::vector<fs::path> copied;
    SIGILLO_TRY(list_files(directory, directory, Take::kAll, copied));
    std::ranges::sort(copied);
    for (const fs::path& file : copied) {
        std::uint64_t bytes = 0;
        SIGILLO_ASSIGN(const Sha256Value digest, file_digest(directory / file, bytes));
        manifest["files"].push_back(
            {{"path", file.generic_string()}, {"sha256", hex_encode(digest)}, {"bytes", bytes}});
        report.bytes += bytes;
    }
    SIGILLO_TRY(write_file_durably(directory / "manifest.json", as_bytes(manifest.dump(2) + "\n"), 0600));
    return report;
}

}  // namespace sigillo
