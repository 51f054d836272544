// The journal's bytes: one batch holds what one group of updates wrote. Layout: FORMAT.md §4.
//
// Batches follow each other in files, each from a new block on, numbered without gaps, and each names its
// predecessor's checksum. Behind the last one a file is zero or ends. What a crash can leave there is a batch
// of which some sectors never reached the disk; they are zero or behind the end of the file, and that tells
// it from damage.
//
// Internal to appliance/store. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo {

// No block that holds a batch is written again for a later one.
inline constexpr std::size_t kJournalBlock = 4096;

// Where the history of the store's writes stands: after batch `sequence`. A store to be stands at 0.
struct BatchMark {
    std::uint64_t sequence = 0;
    std::array<std::uint8_t, 16> checksum{};
    friend bool operator==(const BatchMark&, const BatchMark&) = default;
};

// Builds batches, one after the other, in the same memory.
class BatchWriter {
 public:
    // Begins the batch that follows `before`, for about `bytes` of keys and values.
    void begin(const BatchMark& before, std::size_t bytes);
    // Rows from here on are of this space. Its name: at most 255 bytes.
    void space(std::string_view name);
    void put(ByteView key, ByteView value);
    void erase(ByteView key);
    BatchMark finish();
    // Of the finished batch: whole blocks.
    ByteView bytes() const { return {buffer_.data(), used_}; }

 private:
    std::uint8_t* grow(std::size_t size);
    std::uint8_t* begin_row(std::uint8_t kind, ByteView key, std::size_t more);

    Bytes buffer_;  // as long as it ever needed to be
    std::size_t used_ = 0;
    std::uint64_t sequence_ = 0;
};

struct BatchView {
    BatchMark mark;
    std::array<std::uint8_t, 16> before;  // the checksum of its predecessor
    ByteView rows;
    std::size_t place;  // in its file
};

// The batches of one file, in order. `file` must outlive it and what it hands out.
class JournalReader {
 public:
    JournalReader(ByteView file, std::string name) : file_(file), name_(std::move(name)) {}
    // Nothing at the end. kCorrupt, with file and place: damaged, or batches behind one that is not whole.
    Result<std::optional<BatchView>> next();
    // At the end: whether a batch stood there that was never finished.
    bool torn() const { return torn_; }

 private:
    std::unexpected<Error> corrupt(std::size_t place, const std::string& why) const;
    Result<std::optional<BatchView>> end(bool torn);

    const ByteView file_;
    const std::string name_;
    std::size_t at_ = 0;
    std::uint64_t last_ = 0;
    bool torn_ = false;
};

// Without a value: erased.
using VisitRow =
    std::function<Status(std::string_view space, ByteView key, const std::optional<ByteView>& value)>;
// The rows of BatchView::rows. kCorrupt when they are not what BatchWriter makes.
Status read_rows(ByteView rows, const VisitRow& visit);

}  // namespace sigillo
