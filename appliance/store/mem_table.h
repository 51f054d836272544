// Rows that are in the journal and not yet in LMDB: every version of them, sorted.
//
// A skip list in memory that only grows (the structure of LevelDB's memtable), for what is read in order, and
// a hash table over the same nodes, for what is asked for by its key: most of that is not here, and a bucket
// says so at once. One thread adds; any number reads meanwhile without a lock, and sees of a batch that is
// being added nothing as long as it reads no later sequence than was published to it (layers.h). Nothing is
// ever removed: the whole table is dropped.
//
// Internal to appliance/store.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "appliance/store/room.h"
#include "appliance/store/row_cursor.h"

namespace sigillo {

class MemTable {
 private:
    struct Node;

 public:
    // `expected`: bytes that it is to grow to; more only cost time.
    explicit MemTable(std::size_t expected = 0);
    MemTable(const MemTable&) = delete;
    MemTable& operator=(const MemTable&) = delete;

    // ---- the one that writes ----
    // Each (space, key, sequence) once; sequences never fall. Copies what it is given.
    void add(std::uint64_t sequence, std::size_t space, ByteView key, const RowValue& value);
    std::size_t memory() const { return memory_; }  // bytes taken
    const Load& load() const { return load_; }

    // ---- anybody, any time ----
    bool empty() const;
    // The newest version of no later sequence; nothing when there is none. Valid as long as the table is.
    std::optional<RowValue> get(std::size_t space, ByteView key, std::uint64_t sequence) const;

    // The newest version of each row of no later sequence. In one space, as RowCursor has it, or, from
    // seek_first() on, in all of them.
    class Cursor final : public RowCursor {
     public:
        Cursor(const MemTable& table, std::size_t space, std::uint64_t sequence)
            : table_(table), space_(space), sequence_(sequence) {}
        Status seek(ByteView from) override;
        void seek_first();
        Status next() override;
        bool live() const override;
        ByteView key() const override;
        RowValue value() const override;
        std::size_t space() const;

     private:
        void skip_newer();
        const MemTable& table_;
        const std::size_t space_;
        const std::uint64_t sequence_;
        const Node* node_ = nullptr;
        bool all_spaces_ = false;
    };

 private:
    static constexpr int kMaxHeight = 12;
    struct Place {
        Place(std::size_t of_space, ByteView of_key, std::uint64_t at_sequence);
        std::size_t space;
        ByteView key;
        std::uint64_t sequence;
        std::uint64_t prefix;  // the key's first bytes as a number, which orders most keys
    };

    static bool is_before(const Node& node, const Place& place);
    // The first node that is not before `place`.
    Node* find(const Place& place) const;
    void seek_from_last(const Place& place);
    // Nodes by space and key, the newest first.
    using Bucket = std::atomic<const Node*>;
    Bucket& bucket_of(std::size_t space, ByteView key) const;
    Node* make_node(const Place& place, const RowValue& value, int height);
    std::byte* allocate(std::size_t size);
    int random_height();

    std::vector<std::unique_ptr<std::byte[]>> chunks_;
    std::byte* free_ = nullptr;
    std::size_t left_ = 0;
    std::size_t memory_ = 0;
    Load load_;
    std::uint64_t dice_ = 0x9E3779B97F4A7C15U;
    std::atomic<int> height_{1};
    mutable std::vector<Bucket> buckets_;  // a power of two
    Node* head_;
    // The predecessors of the next row to be added, one a level: the row added last, or what stood before it.
    std::array<Node*, kMaxHeight> last_{};
};

}  // namespace sigillo
