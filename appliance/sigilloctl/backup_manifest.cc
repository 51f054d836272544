#include "appliance/sigilloctl/backup_manifest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"

namespace sigillo::ctl {
namespace {

namespace fs = std::filesystem;

// 1 was without a TSA.
constexpr int kOldestFormat = 1;
constexpr int kFormat = 2;

// Below these folders, and nowhere else: a list must not make restore write outside.
bool is_inside(const fs::path& path) {
    if (path.empty() || path.is_absolute() || path != path.lexically_normal()) return false;
    const auto first = path.begin()->string();
    const bool known = first == "store" || first == "log" || first == "tsa-store" || first == "tsa-log";
    return known && std::next(path.begin()) != path.end() && path.has_filename();
}

Result<BackupFile> parse_file(const nlohmann::json& entry) {
    if (!entry.is_object() || !entry.contains("path") || !entry["path"].is_string() ||
        !entry.contains("sha256") || !entry["sha256"].is_string() || !entry.contains("bytes") ||
        !entry["bytes"].is_number_unsigned())
        return fail(Errc::kCorrupt, "manifest.json: an entry of files has not path, sha256 and bytes");
    BackupFile file;
    file.path = entry["path"].get<std::string>();
    file.bytes = entry["bytes"].get<std::uint64_t>();
    const auto digest = hex_decode(entry["sha256"].get<std::string>());
    if (!is_inside(file.path) || !digest || digest->size() != file.digest.size())
        return fail(Errc::kCorrupt, "manifest.json: not an entry of a backup: " + file.path.string());
    std::ranges::copy(*digest, file.digest.begin());
    return file;
}

Result<std::set<fs::path>> files_below(const fs::path& backup) {
    std::set<fs::path> found;
    std::error_code code;
    for (auto entry = fs::recursive_directory_iterator(backup, code);
         !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
        if (entry->is_symlink(code) || (!entry->is_directory(code) && !entry->is_regular_file(code)))
            return fail(Errc::kCorrupt, entry->path().string() + " is neither a file nor a directory");
        if (entry->is_regular_file(code)) found.insert(entry->path().lexically_relative(backup));
    }
    if (code) return std::unexpected(errno_error(code.value(), "list " + backup.string()));
    return found;
}

Status compare_checkpoint(const fs::path& backup, const std::string& log, const std::string& note) {
    SIGILLO_ASSIGN(const Bytes checkpoint, read_file(backup / log / "checkpoint"));
    if (as_text(checkpoint) != note)
        return fail(Errc::kCorrupt, log + "/checkpoint is not the checkpoint of the manifest");
    return {};
}

}  // namespace

Result<Sha256Value> digest_file(const fs::path& path, const std::function<void(std::uint64_t)>& seen) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return std::unexpected(errno_error(errno, "open " + path.string()));
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    if (!hash || EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) != 1)
        return fail(Errc::kInternal, "libcrypto has no SHA-256");
    Bytes chunk(std::size_t{1} << 20);
    for (;;) {
        const auto got = ::read(fd.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(errno_error(errno, "read " + path.string()));
        if (got == 0) break;
        if (EVP_DigestUpdate(hash.get(), chunk.data(), static_cast<std::size_t>(got)) != 1)
            return fail(Errc::kInternal, "SHA-256 failed");
        seen(static_cast<std::uint64_t>(got));
    }
    Sha256Value digest{};
    if (EVP_DigestFinal_ex(hash.get(), digest.data(), nullptr) != 1)
        return fail(Errc::kInternal, "SHA-256 failed");
    return digest;
}

Result<BackupManifest> read_manifest(const fs::path& backup) {
    constexpr std::size_t kLimit = std::size_t{256} << 20;  // bytes: a million files
    const auto contents = read_file(backup / "manifest.json", kLimit);
    if (!contents) {
        Error error = contents.error();
        if (error.code == Errc::kNotFound)
            error.detail =
                backup.string() + " holds no manifest.json: no backup, or one that was not finished";
        return std::unexpected(std::move(error));
    }
    const auto json = nlohmann::json::parse(as_text(*contents), nullptr, false);
    if (!json.is_object() || !json.contains("format") || !json.contains("files") ||
        !json["files"].is_array() || !json.contains("checkpoint") || !json["checkpoint"].is_string())
        return fail(Errc::kCorrupt, (backup / "manifest.json").string() + " is not a backup's manifest");
    if (!json["format"].is_number_integer() || json["format"] < kOldestFormat || json["format"] > kFormat)
        return fail(Errc::kUnsupported, "this backup is of format " + json["format"].dump() +
                                            ", sigilloctl knows " + std::to_string(kFormat) +
                                            ": use the version that wrote it");
    BackupManifest manifest;
    manifest.checkpoint = json["checkpoint"].get<std::string>();
    if (json.contains("tsa_checkpoint") && json["tsa_checkpoint"].is_string())
        manifest.tsa_checkpoint = json["tsa_checkpoint"].get<std::string>();
    if (json.contains("created") && json["created"].is_string())
        manifest.created = json["created"].get<std::string>();
    if (json.contains("officer") && json["officer"].is_string())
        manifest.officer = json["officer"].get<std::string>();
    for (const auto& entry : json["files"]) {
        SIGILLO_ASSIGN(BackupFile file, parse_file(entry));
        manifest.bytes += file.bytes;
        manifest.files.push_back(std::move(file));
    }
    return manifest;
}

Status verify_files(const fs::path& backup, const BackupManifest& manifest, const Progress& progress) {
    SIGILLO_ASSIGN(std::set<fs::path> found, files_below(backup));
    found.erase("manifest.json");
    std::uint64_t done = 0;
    std::set<std::string> folders;
    for (const BackupFile& file : manifest.files) {
        if (found.erase(file.path) == 0)
            return fail(Errc::kCorrupt, file.path.string() + " is listed, but missing (or listed twice)");
        folders.insert(file.path.begin()->string());
        std::uint64_t bytes = 0;
        SIGILLO_ASSIGN(const Sha256Value digest, digest_file(backup / file.path, [&](std::uint64_t more) {
                           bytes += more;
                           done += more;
                           progress(done, manifest.bytes);
                       }));
        if (bytes != file.bytes || digest != file.digest)
            return fail(Errc::kCorrupt,
                        file.path.string() + " is not what was backed up: its SHA-256 or length differs");
    }
    if (!found.empty())
        return fail(Errc::kCorrupt,
                    found.begin()->string() + " is in the backup's directory, but not in its manifest");
    if (!folders.contains("store")) return fail(Errc::kCorrupt, "the manifest lists no file of the store");
    SIGILLO_TRY(compare_checkpoint(backup, "log", manifest.checkpoint));
    const bool with_tsa = !manifest.tsa_checkpoint.empty();
    if (with_tsa != folders.contains("tsa-store") || with_tsa != folders.contains("tsa-log"))
        return fail(Errc::kCorrupt, "the manifest lists a part of the TSA's files only");
    return with_tsa ? compare_checkpoint(backup, "tsa-log", manifest.tsa_checkpoint) : Status();
}

}  // namespace sigillo::ctl
