// The journal's files: journal.<number of its first batch, 16 hex digits>, in the store's directory.
//
// One is written at a time; an older one stays until LMDB holds its batches. The files grow by zeros ahead of
// their end, so that most syncs have no length to write down.
//
// Internal to appliance/store. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "appliance/base/file.h"
#include "appliance/store/journal_format.h"

namespace sigillo {

class Journal {
 public:
    // An empty file, mode 0600; its name is durable. Errors as append().
    static Result<std::unique_ptr<Journal>> create(const std::string& directory, std::uint64_t first);

    // `blocks`: a finished batch. Durable on return. Errors: kStorageFull (ENOSPC, EDQUOT, EFBIG),
    // kUnavailable. After an error the file is as before, unless usable() is false: then it may or may not
    // hold the batch after a crash, and must not be written again.
    Status append(ByteView blocks);
    bool usable() const { return usable_; }

    const std::string& path() const { return path_; }
    std::uint64_t bytes() const { return end_; }

 private:
    Journal(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    void grow_ahead();

    UniqueFd fd_;
    const std::string path_;
    std::uint64_t end_ = 0;    // of the last batch
    std::uint64_t zeros_ = 0;  // the file is zero from end_ to here
    bool usable_ = true;
};

struct JournalFile {
    std::string path;
    std::uint64_t first;  // what its name says
};
// Oldest first. kUnavailable.
Result<std::vector<JournalFile>> list_journals(const std::string& directory);

// Durable on return; absent is fine.
Status remove_journals(const std::string& directory, const std::vector<std::string>& paths);

}  // namespace sigillo
