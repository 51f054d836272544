#include "appliance/store/mem_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <new>
#include <string_view>

namespace sigillo {
namespace {

// Of memory taken at a time: the first, doubled up to the last.
constexpr std::size_t kFirstChunk = std::size_t{16} << 10;
constexpr std::size_t kLastChunk = std::size_t{1} << 20;

// Bytes of a row with what it takes beside, on the average of a signing store.
constexpr std::size_t kUsualRow = 256;
// Of which there are as many as rows are expected, within these: 8 bytes each.
constexpr std::size_t kFewestBuckets = std::size_t{1} << 8;
constexpr std::size_t kMostBuckets = std::size_t{1} << 20;

constexpr std::uint32_t kErased = ~std::uint32_t{0};

// Older versions of a row that a cursor steps over before it looks for the next row from the top.
constexpr int kSteps = 8;

}  // namespace

// Followed by its links, one a level, its key and its value.
struct MemTable::Node {
    const Node* older;  // in its bucket
    std::uint64_t sequence;
    std::uint64_t prefix;  // as Place has it: here, beside the links, it costs no further cache line
    std::uint32_t value_size;
    std::uint16_t key_size;
    std::uint8_t space;
    std::uint8_t height;

    using Link = std::atomic<Node*>;
    Link& link(int level) { return reinterpret_cast<Link*>(this + 1)[level]; }
    const Link& link(int level) const { return reinterpret_cast<const Link*>(this + 1)[level]; }
    Node* next(int level) const { return link(level).load(std::memory_order_acquire); }

    std::uint8_t* bytes() { return reinterpret_cast<std::uint8_t*>(&link(height)); }
    const std::uint8_t* bytes() const { return reinterpret_cast<const std::uint8_t*>(&link(height)); }
    ByteView key() const { return {bytes(), key_size}; }
    RowValue value() const {
        if (value_size == kErased) return std::nullopt;
        return ByteView(bytes() + key_size, value_size);
    }
    bool is_row(std::size_t of_space, ByteView of_key) const {
        return space == of_space && key_size == of_key.size() &&
               std::memcmp(bytes(), of_key.data(), of_key.size()) == 0;
    }
};

MemTable::Place::Place(std::size_t of_space, ByteView of_key, std::uint64_t at_sequence)
    : space(of_space), key(of_key), sequence(at_sequence), prefix(0) {
    for (std::size_t i = 0; i < sizeof prefix; ++i)
        prefix = prefix << 8 | (i < key.size() ? std::uint64_t{key[i]} : 0);
}

MemTable::MemTable(std::size_t expected)
    : buckets_(std::bit_ceil(std::clamp(expected / kUsualRow, kFewestBuckets, kMostBuckets))),
      head_(make_node({0, {}, 0}, std::nullopt, kMaxHeight)) {
    last_.fill(head_);
}

std::byte* MemTable::allocate(std::size_t size) {
    size = (size + alignof(Node) - 1) / alignof(Node) * alignof(Node);
    if (size > left_) {
        const std::size_t usual =
            std::min(kLastChunk, kFirstChunk << std::min<std::size_t>(chunks_.size(), 6));
        const std::size_t chunk = std::max(size, usual);
        chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(chunk));
        memory_ += chunk;
        if (size > usual / 2) return chunks_.back().get();  // what is left of the last one serves on
        free_ = chunks_.back().get();
        left_ = chunk;
    }
    std::byte* const place = free_;
    free_ += size;
    left_ -= size;
    return place;
}

MemTable::Node* MemTable::make_node(const Place& place, const RowValue& value, int height) {
    static_assert(sizeof(Node) % alignof(Node::Link) == 0 && alignof(Node) == alignof(Node::Link) &&
                  std::atomic<Node*>::is_always_lock_free);
    const std::size_t value_size = value ? value->size() : 0;
    std::byte* const memory = allocate(sizeof(Node) + static_cast<std::size_t>(height) * sizeof(Node::Link) +
                                       place.key.size() + value_size);
    auto* const node = new (memory) Node{nullptr,
                                         place.sequence,
                                         place.prefix,
                                         value ? static_cast<std::uint32_t>(value_size) : kErased,
                                         static_cast<std::uint16_t>(place.key.size()),
                                         static_cast<std::uint8_t>(place.space),
                                         static_cast<std::uint8_t>(height)};
    for (int level = 0; level < height; ++level) new (&node->link(level)) Node::Link(nullptr);
    if (!place.key.empty()) std::memcpy(node->bytes(), place.key.data(), place.key.size());
    if (value_size > 0) std::memcpy(node->bytes() + place.key.size(), value->data(), value_size);
    return node;
}

// One in four is higher by one.
int MemTable::random_height() {
    dice_ ^= dice_ << 13;
    dice_ ^= dice_ >> 7;
    dice_ ^= dice_ << 17;
    int height = 1;
    for (std::uint64_t bits = dice_; height < kMaxHeight && (bits & 3) == 0; bits >>= 2) ++height;
    return height;
}

// By space, key, and the newest first.
bool MemTable::is_before(const Node& node, const Place& place) {
    if (node.space != place.space) return node.space < place.space;
    if (node.prefix != place.prefix) return node.prefix < place.prefix;
    const auto order = compare_keys(node.key(), place.key);
    return order != 0 ? order < 0 : node.sequence > place.sequence;
}

MemTable::Node* MemTable::find(const Place& place) const {
    Node* at = head_;
    for (int level = height_.load(std::memory_order_relaxed) - 1;;) {
        Node* const next = at->next(level);
        if (next != nullptr && is_before(*next, place)) {
            at = next;
            continue;
        }
        if (level-- == 0) return next;
    }
}

// Where `place` goes, from where the last row went: rows of a batch come in order, and most of them, leaves
// of the log above all, stand close behind the one before.
void MemTable::seek_from_last(const Place& place) {
    const int height = height_.load(std::memory_order_relaxed);
    const auto leads_on = [&](std::size_t level) {  // the last row's predecessor is one of this row's, too
        const Node* const last = last_[level];
        return last == head_ || is_before(*last, place);
    };
    const auto ends = [&](std::size_t level) {
        const Node* const next = last_[level]->next(static_cast<int>(level));
        return next == nullptr || !is_before(*next, place);
    };
    // Up to the lowest level on which the row lies between the last predecessor and what follows that.
    int level = 0;
    const auto at_level = [&] { return static_cast<std::size_t>(level); };
    while (level < height && !(leads_on(at_level()) && ends(at_level()))) ++level;
    // From there down, as find() does it.
    Node* at = level < height ? last_[at_level()] : head_;
    while (level-- > 0) {
        for (Node* next = at->next(level); next != nullptr && is_before(*next, place); next = at->next(level))
            at = next;
        last_[at_level()] = at;
    }
}

void MemTable::add(std::uint64_t sequence, std::size_t space, ByteView key, const RowValue& value) {
    const Place place{space, key, sequence};
    seek_from_last(place);
    const int height = random_height();
    Node* const node = make_node(place, value, height);
    // A reader that does not see the new height yet begins lower, which is as right.
    if (height > height_.load(std::memory_order_relaxed)) height_.store(height, std::memory_order_relaxed);
    for (int level = 0; level < height; ++level) {
        Node::Link& link = last_[static_cast<std::size_t>(level)]->link(level);
        node->link(level).store(link.load(std::memory_order_relaxed), std::memory_order_relaxed);
        link.store(node, std::memory_order_release);
        last_[static_cast<std::size_t>(level)] = node;
    }
    Bucket& bucket = bucket_of(space, key);
    node->older = bucket.load(std::memory_order_relaxed);
    bucket.store(node, std::memory_order_release);
    load_.add(key, value);
}

bool MemTable::empty() const {
    return head_->next(0) == nullptr;
}

std::optional<RowValue> MemTable::get(std::size_t space, ByteView key, std::uint64_t sequence) const {
    const Node* node = bucket_of(space, key).load(std::memory_order_acquire);
    while (node != nullptr && !(node->sequence <= sequence && node->is_row(space, key))) node = node->older;
    if (node == nullptr) return std::nullopt;
    return node->value();
}

MemTable::Bucket& MemTable::bucket_of(std::size_t space, ByteView key) const {
    const std::size_t hash = std::hash<std::string_view>()(as_text(key)) ^ (space * 0x9E3779B97F4A7C15U);
    return buckets_[(hash ^ hash >> 32) & (buckets_.size() - 1)];
}

// ---- cursors ------------------------------------------------------------------------------------

Status MemTable::Cursor::seek(ByteView from) {
    node_ = table_.find({space_, from, ~std::uint64_t{0}});
    skip_newer();
    return {};
}

void MemTable::Cursor::seek_first() {
    all_spaces_ = true;
    node_ = table_.head_->next(0);
    skip_newer();
}

void MemTable::Cursor::skip_newer() {
    while (node_ != nullptr && node_->sequence > sequence_) node_ = node_->next(0);
}

Status MemTable::Cursor::next() {
    const Node& row = *node_;
    node_ = row.next(0);
    for (int step = 0; node_ != nullptr && node_->is_row(row.space, row.key()); node_ = node_->next(0)) {
        if (++step < kSteps) continue;
        // Behind the oldest version there can be: sequences begin at 1.
        node_ = table_.find({row.space, row.key(), 0});
        break;
    }
    skip_newer();
    return {};
}

bool MemTable::Cursor::live() const {
    return node_ != nullptr && (all_spaces_ || node_->space == space_);
}
ByteView MemTable::Cursor::key() const {
    return node_->key();
}
RowValue MemTable::Cursor::value() const {
    return node_->value();
}
std::size_t MemTable::Cursor::space() const {
    return node_->space;
}

}  // namespace sigillo
