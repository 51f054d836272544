// Where bytes go that are too many for memory: files without a name in one private folder, bounded in sum.
//
// A file is unlinked as soon as it is made: it goes with its last descriptor, a crash included, and nobody
// can open it by a path. Thread-safe; a SpoolFile belongs to one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "appliance/base/bytes.h"
#include "appliance/base/file.h"
#include "appliance/base/random.h"
#include "appliance/base/result.h"

namespace sigillo::api {

struct SpoolConfig {
    std::filesystem::path directory;  // private, of this process alone; must exist
    // Of all files together. A document of 100 MiB takes 140 MiB as a request, and as much as an answer.
    std::uint64_t total_mib = 4'096;
};

// What all files of a spool take together.
class SpoolBudget {
 public:
    explicit SpoolBudget(std::uint64_t limit) : limit_(limit) {}
    bool take(std::uint64_t bytes);
    void give_back(std::uint64_t bytes) { taken_ -= bytes; }
    std::uint64_t taken() const { return taken_; }

 private:
    const std::uint64_t limit_;
    std::atomic<std::uint64_t> taken_{0};
};

class SpoolFile {
 public:
    SpoolFile(UniqueFd fd, std::shared_ptr<SpoolBudget> budget)
        : fd_(std::move(fd)), budget_(std::move(budget)) {}
    ~SpoolFile() { budget_->give_back(reserved_); }
    SpoolFile(const SpoolFile&) = delete;
    SpoolFile& operator=(const SpoolFile&) = delete;

    // Before bytes are written. kUnavailable: the spool is full of others' work; nothing was reserved.
    Status reserve(std::uint64_t bytes);
    // At the end. kUnavailable (not reserved, errno), kStorageFull.
    Status append(ByteView bytes);
    int fd() const { return fd_.get(); }
    std::uint64_t size() const { return size_; }

 private:
    const UniqueFd fd_;
    const std::shared_ptr<SpoolBudget> budget_;
    std::uint64_t reserved_ = 0;
    std::uint64_t size_ = 0;
};

class Spool {
 public:
    // `random` outlives the spool.
    Spool(const SpoolConfig& config, Random& random);
    // An empty file. kStorageFull, kUnavailable.
    Result<std::shared_ptr<SpoolFile>> make();
    const std::filesystem::path& directory() const { return directory_; }
    std::uint64_t taken() const { return budget_->taken(); }

 private:
    const std::filesystem::path directory_;
    Random& random_;
    const std::shared_ptr<SpoolBudget> budget_;
};

}  // namespace sigillo::api
