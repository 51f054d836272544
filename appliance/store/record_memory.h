// Records that were decoded a moment ago. A document's calls read its credential four times: what has the
// very bytes that were verified and parsed before need not be verified and parsed again.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "appliance/base/bytes.h"
#include "appliance/store/store.h"

namespace sigillo {

// Thread-safe. Holds what was remembered last: from `limit` to twice as many records, with their bytes.
class RecordMemory {
 public:
    explicit RecordMemory(std::size_t limit) : limit_(limit) {}
    RecordMemory(const RecordMemory&) = delete;
    RecordMemory& operator=(const RecordMemory&) = delete;

    // What remember() was given with exactly these bytes, envelope, version and MAC included, under this key;
    // or nothing.
    std::shared_ptr<const void> find(Space space, ByteView key, ByteView stored);
    // `value`: what `stored` was decoded to after its MAC was found to hold. A space has one type of values.
    void remember(Space space, ByteView key, ByteView stored, std::shared_ptr<const void> value);

 private:
    struct Entry {
        Bytes stored;
        std::shared_ptr<const void> value;
    };
    using Entries = std::unordered_map<std::string, std::shared_ptr<const Entry>>;
    void keep(std::string name, std::shared_ptr<const Entry> entry);  // mutex_ held

    const std::size_t limit_;
    std::mutex mutex_;
    // Guarded by mutex_: when `young_` is full it becomes the old half, and what was not asked for since
    // goes.
    Entries young_;
    Entries old_;
};

}  // namespace sigillo
