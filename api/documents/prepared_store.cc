#include "api/documents/prepared_store.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "appliance/base/ids.h"

namespace sigillo::api::documents {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "prepared-";
constexpr std::size_t kLargestRecord = std::size_t{1} << 20;

std::unexpected<Error> no_such() {
    return fail(Errc::kNotFound, "no such prepared document, or its time is over", "documentID");
}

Result<prepared::Record> read_record(const fs::path& folder) {
    SIGILLO_ASSIGN(const Bytes bytes, read_file(folder / "record", kLargestRecord));
    prepared::Record record;
    if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
        return fail(Errc::kCorrupt, "a prepared document's record cannot be read");
    return record;
}

// All of `from`, at the present offset of `to`.
Status copy(int from, int to) {
    struct stat info{};
    if (::fstat(from, &info) != 0) return std::unexpected(errno_error(errno, "stat a prepared document"));
    off_t offset = 0;
    while (offset < info.st_size) {
        const auto count = ::sendfile(to, from, &offset, static_cast<std::size_t>(info.st_size - offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0)
            return std::unexpected(errno_error(count < 0 ? errno : EIO, "copy a prepared document"));
    }
    return {};
}

}  // namespace

fs::path PreparedStore::folder_of(const std::string& id) const {
    return config_.directory / (std::string(kPrefix) + id);
}

Status PreparedStore::open() {
    const std::lock_guard lock(mutex_);
    std::error_code error;
    for (fs::directory_iterator entry(config_.directory, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (!name.starts_with(kPrefix)) continue;
        const auto record = read_record(entry->path());
        // Without a record it was not finished: an expiry of long ago.
        std::error_code none;  // a digest has no document
        const auto size = fs::file_size(entry->path() / "document", none);
        const Waiting found{record ? record->client() : std::string(), record ? record->expires_ms() : 0,
                            none ? 0 : size};
        bytes_ += found.bytes;
        waiting_.emplace(name.substr(kPrefix.size()), found);
    }
    if (error) return fail(Errc::kUnavailable, "read " + config_.directory.string() + ": " + error.message());
    sweep();
    return {};
}

void PreparedStore::sweep() {
    const std::int64_t now = unix_millis(clock_.now());
    std::erase_if(waiting_, [&](const auto& entry) {
        if (entry.second.expires_ms > now) return false;
        std::error_code error;  // what stays is tried again at the next start
        fs::remove_all(folder_of(entry.first), error);
        bytes_ -= entry.second.bytes;
        return true;
    });
}

bool PreparedStore::has_room(const std::string& client, std::uint64_t bytes) const {
    std::size_t own = 0;
    std::uint64_t own_bytes = 0;
    for (const auto& [id, waiting] : waiting_) {
        if (waiting.client != client) continue;
        ++own;
        own_bytes += waiting.bytes;
    }
    const auto fits = [](std::uint64_t taken, std::uint64_t more, std::uint64_t limit) {
        return taken <= limit && more <= limit - taken;
    };
    return fits(waiting_.size(), 1, config_.limit) && fits(own, 1, (config_.limit + 1) / 2) &&
           fits(bytes_, bytes, config_.bytes) && fits(own_bytes, bytes, (config_.bytes + 1) / 2);
}

Result<std::string> PreparedStore::put(prepared::Record record, const MemoryFile* file) {
    std::string id = random_id(random_);
    record.set_expires_ms(unix_millis(clock_.now() + config_.life));
    std::uint64_t size = 0;
    if (file != nullptr) {
        SIGILLO_ASSIGN(size, file->size());
    }
    {
        const std::lock_guard lock(mutex_);
        sweep();
        if (!has_room(record.client(), size))
            return fail(
                Errc::kUnavailable,
                "too many prepared documents wait for their signatures: complete some, or wait until they "
                "expire");
        waiting_.emplace(id, Waiting{record.client(), record.expires_ms(), size});
        bytes_ += size;
    }
    Status kept = keep(folder_of(id), record, file);
    if (kept) return id;
    std::error_code error;  // what stays is removed at the next start, having no record
    fs::remove_all(folder_of(id), error);
    const std::lock_guard lock(mutex_);
    if (waiting_.erase(id) != 0) bytes_ -= size;
    return std::unexpected(std::move(kept).error());
}

Status PreparedStore::keep(const fs::path& folder, const prepared::Record& record,
                           const MemoryFile* file) const {
    if (::mkdir(folder.c_str(), 0700) != 0)
        return std::unexpected(errno_error(errno, "make " + folder.string()));
    if (file != nullptr) {
        const UniqueFd out(
            ::open((folder / "document").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!out) return std::unexpected(errno_error(errno, "keep a prepared document"));
        SIGILLO_TRY(copy(file->fd(), out.get()));
    }
    // Last: a folder without it was not finished.
    return write_file_durably(folder / "record", as_bytes(record.SerializeAsString()), 0600);
}

void PreparedStore::completed(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    const std::int64_t soon = unix_millis(clock_.now() + config_.life_after);
    found->second.expires_ms = std::min(found->second.expires_ms, soon);
}

Result<PreparedDocument> PreparedStore::get(const std::string& client, const std::string& id) {
    if (!is_id(id)) return no_such();
    const fs::path folder = folder_of(id);
    auto record = read_record(folder);
    if (!record && record.error().code == Errc::kNotFound) return no_such();
    if (!record) return std::unexpected(std::move(record).error());
    if (record->client() != client || record->expires_ms() <= unix_millis(clock_.now())) return no_such();
    PreparedDocument out{std::move(*record), nullptr};
    const UniqueFd kept(::open((folder / "document").c_str(), O_RDONLY | O_CLOEXEC));
    if (!kept && errno == ENOENT) return out;
    if (!kept) return std::unexpected(errno_error(errno, "open a prepared document"));
    SIGILLO_ASSIGN(out.file, MemoryFile::create("prepared"));
    SIGILLO_TRY(copy(kept.get(), out.file->fd()));
    return out;
}

}  // namespace sigillo::api::documents
