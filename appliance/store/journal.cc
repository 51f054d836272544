#include "appliance/store/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "appliance/store/lmdb_env.h"

namespace sigillo {
namespace {

constexpr std::string_view kPrefix = "journal.";
constexpr std::size_t kDigits = 16;
constexpr std::string_view kHex = "0123456789abcdef";

// Zeros ahead: as much as is there already, within these.
constexpr std::uint64_t kLeastAhead = std::uint64_t{64} << 10;
constexpr std::uint64_t kMostAhead = std::uint64_t{1} << 20;

std::string journal_name(std::uint64_t first) {
    std::string name(kPrefix);
    for (int shift = 60; shift >= 0; shift -= 4) name += kHex[first >> shift & 0xF];
    return name;
}

std::unexpected<Error> failed(int number, const std::string& what) {
    return std::unexpected(lmdb_error(number, what));
}

// 0, or the errno.
int write_at(int fd, ByteView bytes, std::uint64_t place) {
    while (!bytes.empty()) {
        const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(place));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        if (done == 0) return EIO;
        bytes = bytes.subspan(static_cast<std::size_t>(done));
        place += static_cast<std::uint64_t>(done);
    }
    return 0;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::create(const std::string& directory, std::uint64_t first) {
    const std::string path = directory + "/" + journal_name(first);
    // A file of this name is the rest of an attempt to create it: no batch of this number was ever written.
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) return failed(errno, "create " + path);
    if (Status synced = sync_directory(directory); !synced) {
        ::unlink(path.c_str());
        return std::unexpected(std::move(synced).error());
    }
    return std::unique_ptr<Journal>(new Journal(std::move(fd), path));
}

Status Journal::append(ByteView blocks) {
    if (const int number = write_at(fd_.get(), blocks, end_); number != 0) {
        // Half a batch is none: away with it before the next one is written over it.
        zeros_ = end_;
        usable_ = ::ftruncate(fd_.get(), static_cast<off_t>(end_)) == 0;
        return failed(number, "write " + path_);
    }
    const std::uint64_t before = end_;
    end_ += blocks.size();
    if (end_ > zeros_) grow_ahead();
    if (::fdatasync(fd_.get()) != 0) {
        const int number = errno;
        end_ = before;
        usable_ = false;
        return failed(number, "sync " + path_);
    }
    return {};
}

// Without room for it the batches themselves extend the file.
void Journal::grow_ahead() {
    static constexpr std::array<std::uint8_t, std::size_t{64} << 10> kZeros{};
    const std::uint64_t goal = end_ + std::clamp(end_, kLeastAhead, kMostAhead);
    zeros_ = end_;
    while (zeros_ < goal) {
        const std::size_t size = std::min<std::uint64_t>(kZeros.size(), goal - zeros_);
        if (write_at(fd_.get(), ByteView(kZeros).first(size), zeros_) != 0) return;
        zeros_ += size;
    }
}

Result<std::vector<JournalFile>> list_journals(const std::string& directory) {
    std::vector<JournalFile> files;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator(directory, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const std::string_view digits = std::string_view(name).substr(std::min(kPrefix.size(), name.size()));
        if (!name.starts_with(kPrefix) || digits.size() != kDigits ||
            digits.find_first_not_of(kHex) != std::string_view::npos)
            continue;
        std::uint64_t first = 0;
        for (const char digit : digits) first = first << 4 | kHex.find(digit);
        files.push_back({directory + "/" + name, first});
    }
    if (error) return failed(error.value(), "list " + directory);
    std::ranges::sort(files, {}, &JournalFile::first);
    return files;
}

Status remove_journals(const std::string& directory, const std::vector<std::string>& paths) {
    if (paths.empty()) return {};
    for (const std::string& path : paths)
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(errno, "remove " + path);
    return sync_directory(directory);
}

}  // namespace sigillo
