// Documents that were prepared and wait for their signatures: files in the spool, so that a restart does not
// lose them. A folder each, `prepared-<id>`, with the record and the bytes; it goes when its time is over.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "api/documents/memory_file.h"
#include "api/documents/prepared.pb.h"
#include "appliance/base/clock.h"
#include "appliance/base/random.h"
#include "appliance/base/result.h"

namespace sigillo::api::documents {

struct PreparedConfig {
    std::filesystem::path directory;
    // Of all documents together, in number and in bytes; one client has half of each.
    std::size_t limit = 1'000;
    std::uint64_t bytes = std::uint64_t{8} << 30;
    std::chrono::seconds life{86'400};
    // What is left of it once the signature is embedded: for a client whose connection broke.
    std::chrono::seconds life_after{600};
};

struct PreparedDocument {
    prepared::Record record;
    std::shared_ptr<MemoryFile> file;  // revision, content or signature; empty: there is only a digest
};

class PreparedStore {
 public:
    PreparedStore(PreparedConfig config, const Clock& clock, Random& random)
        : config_(std::move(config)), clock_(clock), random_(random) {}

    // Once, before all else: takes up what an earlier process left, removes what is too old or not complete.
    // kUnavailable: the folder.
    Status open();
    // The new document's id; sets the record's expiry. kUnavailable: too many wait, or
    // too large ones, of this client's or of all. Whatever fails, nothing of it stays.
    Result<std::string> put(prepared::Record record, const MemoryFile* file);
    // kNotFound (field "documentID"): no such document of this client, or its time is over. kCorrupt.
    Result<PreparedDocument> get(const std::string& client, const std::string& id);
    // The document has its signature: its place is free soon. A restart in between gives it its whole time
    // again.
    void completed(const std::string& id);
    std::chrono::seconds life() const { return config_.life; }

 private:
    std::filesystem::path folder_of(const std::string& id) const;
    void sweep();                                                         // with mutex_ held
    bool has_room(const std::string& client, std::uint64_t bytes) const;  // with mutex_ held
    Status keep(const std::filesystem::path& folder, const prepared::Record& record,
                const MemoryFile* file) const;
    struct Waiting {
        std::string client;
        std::int64_t expires_ms = 0;
        std::uint64_t bytes = 0;
    };
    const PreparedConfig config_;
    const Clock& clock_;
    Random& random_;
    std::mutex mutex_;
    std::map<std::string, Waiting> waiting_;  // by id; guarded by mutex_
    std::uint64_t bytes_ = 0;                 // of them all; guarded by mutex_
};

}  // namespace sigillo::api::documents
