// What the sweep remembers of the log: the last version of each record, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sigillo::audit {

// Versions by record: open addressing over the first 64 bits of SHA-256(space ‖ 0 ‖ key). Not thread-safe.
class VersionTable {
 public:
    explicit VersionTable(std::size_t entries);
    struct Entry {
        std::uint64_t record = 0;   // 0: free
        std::uint64_t version = 0;  // 0: erased
        std::uint64_t leaf = 0;     // where it was logged; the top bit says "seen in the store"
    };
    // Nothing when full.
    Entry* find_or_add(std::uint64_t record);
    Entry* find(std::uint64_t record);
    void clear();
    std::vector<Entry>& slots() { return slots_; }

 private:
    std::vector<Entry> slots_;  // a power of two
    std::size_t limit_;
    std::size_t used_ = 0;
};

}  // namespace sigillo::audit
