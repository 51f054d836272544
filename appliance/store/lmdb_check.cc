#include "appliance/store/lmdb_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/file.h"

namespace sigillo {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(void*) == 8,
              "LMDB's file is that of its machine");

// Bytes asked for ahead: more could push out of memory what was read first.
constexpr std::uint64_t kReadAhead = std::uint64_t{1} << 30;

// More than LMDB lets one transaction touch (131,071), with room for several in a row.
constexpr std::uint64_t kMaxMissingPages = std::uint64_t{1} << 20;

constexpr const char* kFreeName = "free pages";

// A page's header: number (8), pad (2), flags (2), then lower (2) and upper (2), or how many pages a large
// value has (4).
constexpr std::size_t kHeaderSize = 16;
constexpr std::uint16_t kBranch = 0x01;
constexpr std::uint16_t kLeaf = 0x02;
constexpr std::uint16_t kOverflow = 0x04;
constexpr std::uint16_t kMeta = 0x08;
// A node: two halves of size or child (2 + 2), flags (2), size of its key (2), key, value.
constexpr std::size_t kNodeSize = 8;
constexpr std::uint16_t kBigData = 0x01;  // the value is a page number
constexpr std::uint16_t kSubData = 0x02;  // the value is a tree
constexpr std::size_t kTreeSize = 48;
constexpr std::size_t kMaxStoredKey = 511;
constexpr unsigned kMaxDepth = 32;
constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint32_t kVersion = 1;
constexpr std::uint16_t kIntegerKey = 0x08;

template <class T>
T read_at(ByteView bytes, std::size_t at) {
    T value;
    std::memcpy(&value, bytes.subspan(at, sizeof value).data(), sizeof value);
    return value;
}

struct Tree {
    std::uint16_t flags;
    std::uint16_t depth;
    std::uint64_t entries;
    std::uint64_t root;
};

Tree read_tree(ByteView bytes) {
    return {read_at<std::uint16_t>(bytes, 4), read_at<std::uint16_t>(bytes, 6),
            read_at<std::uint64_t>(bytes, 32), read_at<std::uint64_t>(bytes, 40)};
}

struct Head {
    std::uint32_t page_size;
    Tree free;
    Tree main;
    std::uint64_t last_page;
    std::uint64_t txn_id;
};

struct Node {
    std::uint16_t flags;
    ByteView key;
    ByteView value;       // of a leaf's node
    std::uint64_t child;  // of a branch's node
    std::uint32_t size;   // of the value, wherever it is
};

// The keys that a page may have: from ≤ key < to.
struct Bounds {
    std::optional<ByteView> from;
    std::optional<ByteView> to;
};

class Checker {
 public:
    explicit Checker(int fd) : fd_(fd) {}
    Result<StoreFileSummary> run();

 private:
    enum class Kind : std::uint8_t { kFreePages, kSpaces, kSpace };
    struct Walk {
        Kind kind;
        std::string name;
        std::uint16_t depth;
        std::uint64_t entries = 0;
    };

    std::unexpected<Error> corrupt(std::uint64_t page, const std::string& name,
                                   const std::string& why) const {
        return fail(Errc::kCorrupt, "data.mdb, page " + std::to_string(page) +
                                        (name.empty() ? "" : " (" + name + ")") + ": " + why);
    }
    // What is wrong with page `named` may be wrong with `page` instead, which says that it belongs here: then
    // both are told.
    static Status named_by(std::uint64_t page, std::uint64_t named, Status status);
    // Trees lie scattered over the file: asked for in order beforehand, a cold disk delivers them many times
    // faster.
    void ask_ahead(std::uint64_t size) const;
    // As much of `out` as there is.
    Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const;
    Status read_page(std::uint64_t page, const std::string& name, std::span<std::uint8_t> out) const;
    Status claim(std::uint64_t page, std::uint64_t count, const std::string& name);

    Result<Head> read_head(std::uint64_t page, std::uint32_t page_size) const;
    // `page`: says where the tree is.
    Status walk_tree(std::uint64_t page, const Tree& tree, Kind kind, const std::string& name);
    Status walk_root(const Tree& tree, Kind kind, const std::string& name);
    Status walk_page(Walk& walk, std::uint64_t page, unsigned level, const Bounds& bounds);
    Result<std::vector<Node>> read_nodes(ByteView bytes, std::uint64_t page, const Walk& walk,
                                         const Bounds& bounds) const;
    Status visit_leaf(Walk& walk, std::uint64_t page, const Node& node);
    Status visit_free(std::uint64_t page, ByteView key, ByteView list);

    const int fd_;
    std::uint32_t page_size_ = 0;
    std::uint64_t last_page_ = 0;
    std::uint64_t txn_id_ = 0;
    std::vector<bool> claimed_;
    std::uint64_t claims_ = 0;
    std::uint64_t entries_ = 0;
};

bool before(ByteView a, ByteView b, bool numbers) {
    if (numbers) return read_at<std::uint64_t>(a, 0) < read_at<std::uint64_t>(b, 0);
    return std::ranges::lexicographical_compare(a, b);
}

Status Checker::named_by(std::uint64_t page, std::uint64_t named, Status status) {
    const std::string start = "data.mdb, page " + std::to_string(named);
    if (status || status.error().code != Errc::kCorrupt || !status.error().detail.starts_with(start))
        return status;
    const char after = status.error().detail[start.size()];
    if (after == ':' || after == ' ')
        status.error().detail += "; data.mdb, page " + std::to_string(page) + " names it";
    return status;
}

void Checker::ask_ahead(std::uint64_t size) const {
    constexpr std::uint64_t kChunk = std::uint64_t{1} << 20;  // more at once the kernel would not take
    const std::uint64_t limit = std::min(size, kReadAhead);
    // Advice: whether it is taken changes the time only.
    for (std::uint64_t at = 0; at < limit; at += kChunk)
        static_cast<void>(
            ::posix_fadvise(fd_, static_cast<off_t>(at), static_cast<off_t>(kChunk), POSIX_FADV_WILLNEED));
}

Result<std::size_t> Checker::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got =
            ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return std::unexpected(errno_error(errno, "read data.mdb at byte " + std::to_string(offset)));
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

Status Checker::read_page(std::uint64_t page, const std::string& name, std::span<std::uint8_t> out) const {
    SIGILLO_ASSIGN(const std::size_t size, read(page * page_size_, out));
    if (size < out.size()) return corrupt(page, name, "behind the end of the file");
    if (read_at<std::uint64_t>(out, 0) != page) return corrupt(page, name, "says that it is another page");
    return {};
}

Status Checker::claim(std::uint64_t page, std::uint64_t count, const std::string& name) {
    if (page < 2 || page > last_page_ || count > last_page_ - page + 1)
        return corrupt(page, name, "no such page is in the store");
    for (std::uint64_t i = page; i < page + count; ++i) {
        if (claimed_[i]) return corrupt(i, name, "is used twice");
        claimed_[i] = true;
    }
    claims_ += count;
    return {};
}

Result<Head> Checker::read_head(std::uint64_t page, std::uint32_t page_size) const {
    std::array<std::uint8_t, 152> bytes;
    SIGILLO_ASSIGN(const std::size_t size, read(page * page_size, bytes));
    if (size < bytes.size()) return corrupt(page, {}, "the file is too short for its head");
    if (read_at<std::uint64_t>(bytes, 0) != page || read_at<std::uint16_t>(bytes, 10) != kMeta ||
        read_at<std::uint32_t>(bytes, 16) != kMagic || read_at<std::uint32_t>(bytes, 20) != kVersion)
        return corrupt(page, {}, "is no head page of LMDB's");
    const ByteView view(bytes);
    Head head{read_at<std::uint32_t>(view, 40), read_tree(view.subspan(40, kTreeSize)),
              read_tree(view.subspan(88, kTreeSize)), read_at<std::uint64_t>(view, 136),
              read_at<std::uint64_t>(view, 144)};
    if (!std::has_single_bit(head.page_size) || head.page_size < 512 || head.page_size > 65536)
        return corrupt(page, {}, "an impossible page size");
    if (head.free.flags != kIntegerKey || head.main.flags != 0)
        return corrupt(page, {}, "unknown kind of store");
    return head;
}

Result<StoreFileSummary> Checker::run() {
    struct stat status{};
    if (::fstat(fd_, &status) != 0) return std::unexpected(errno_error(errno, "fstat data.mdb"));
    if (status.st_size == 0) return StoreFileSummary{};
    ask_ahead(static_cast<std::uint64_t>(status.st_size));
    SIGILLO_ASSIGN(const Head first, read_head(0, 0));
    SIGILLO_ASSIGN(const Head second, read_head(1, first.page_size));
    if (first.page_size != second.page_size)
        return corrupt(1, {}, "the head pages differ in the size of pages");
    // Commits write the two in turn.
    const Head& head = first.txn_id > second.txn_id ? first : second;
    const Head& older = first.txn_id > second.txn_id ? second : first;
    const bool fresh = head.txn_id == 0 && older.txn_id == 0;
    const std::uint64_t place = &head == &second ? 1 : 0;
    if (!fresh && (head.txn_id - older.txn_id != 1 || head.txn_id % 2 != place))
        return corrupt(place, {}, "the head pages are not of two commits in a row");

    page_size_ = head.page_size;
    last_page_ = head.last_page;
    txn_id_ = head.txn_id;
    // The end of the file may be missing: pages that were freed before they were ever written. Those are few,
    // and the list of free pages has the last of them; else LMDB would map whatever a damaged head names.
    const std::uint64_t file_pages =
        (static_cast<std::uint64_t>(status.st_size) + page_size_ - 1) / page_size_;
    if (last_page_ < 1 || last_page_ >= file_pages + kMaxMissingPages)
        return corrupt(place, {}, "an impossible number of pages");
    claimed_.assign(last_page_ + 1, false);
    claimed_[0] = claimed_[1] = true;
    SIGILLO_TRY(walk_tree(place, head.free, Kind::kFreePages, kFreeName));
    SIGILLO_TRY(walk_tree(place, head.main, Kind::kSpaces, "spaces"));
    if (last_page_ >= file_pages && !claimed_[last_page_])
        return corrupt(place, {}, "names more pages than there are");
    return StoreFileSummary{last_page_ + 1, entries_, last_page_ - 1 - claims_};
}

Status Checker::walk_tree(std::uint64_t page, const Tree& tree, Kind kind, const std::string& name) {
    if (tree.root == kNoPage) {
        if (tree.entries != 0 || tree.depth != 0)
            return corrupt(page, name, "an empty tree that is not empty");
        return {};
    }
    if (tree.depth == 0 || tree.depth > kMaxDepth) return corrupt(page, name, "an impossible depth of tree");
    return named_by(page, tree.root, walk_root(tree, kind, name));
}

Status Checker::walk_root(const Tree& tree, Kind kind, const std::string& name) {
    Walk walk{kind, name, tree.depth};
    SIGILLO_TRY(walk_page(walk, tree.root, 1, {}));
    if (walk.entries != tree.entries)
        return corrupt(
            tree.root, name,
            "has " + std::to_string(walk.entries) + " entries, not " + std::to_string(tree.entries));
    return {};
}

Status Checker::walk_page(Walk& walk, std::uint64_t page, unsigned level, const Bounds& bounds) {
    SIGILLO_TRY(claim(page, 1, walk.name));
    Bytes bytes(page_size_);
    SIGILLO_TRY(read_page(page, walk.name, bytes));
    const bool leaf = level == walk.depth;
    if (read_at<std::uint16_t>(bytes, 10) != (leaf ? kLeaf : kBranch))
        return corrupt(page, walk.name, "is not of the kind that belongs here");
    SIGILLO_ASSIGN(const auto nodes, read_nodes(bytes, page, walk, bounds));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (leaf) {
            SIGILLO_TRY(visit_leaf(walk, page, nodes[i]));
            continue;
        }
        // A branch's first key stands for everything before the second one.
        const Bounds inner{i == 0 ? bounds.from : std::optional(nodes[i].key),
                           i + 1 == nodes.size() ? bounds.to : std::optional(nodes[i + 1].key)};
        SIGILLO_TRY(named_by(page, nodes[i].child, walk_page(walk, nodes[i].child, level + 1, inner)));
    }
    return {};
}

Result<std::vector<Node>> Checker::read_nodes(ByteView bytes, std::uint64_t page, const Walk& walk,
                                              const Bounds& bounds) const {
    const std::size_t lower = read_at<std::uint16_t>(bytes, 12);
    const std::size_t upper = read_at<std::uint16_t>(bytes, 14);
    if (lower < kHeaderSize || lower % 2 != 0 || upper < lower || upper > bytes.size())
        return corrupt(page, walk.name, "impossible bounds of its free room");
    const bool leaf = read_at<std::uint16_t>(bytes, 10) == kLeaf;
    const bool numbers = walk.kind == Kind::kFreePages;
    const std::size_t count = (lower - kHeaderSize) / 2;
    // Rebalancing never leaves less, but in the tree of free pages.
    if (count < (leaf || numbers ? 1U : 2U)) return corrupt(page, walk.name, "too few entries");

    std::vector<Node> nodes;
    nodes.reserve(count);
    std::vector<std::pair<std::size_t, std::size_t>> places;  // of the nodes: from, to
    places.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = read_at<std::uint16_t>(bytes, kHeaderSize + 2 * i);
        if (at < upper || at % 2 != 0 || at + kNodeSize > bytes.size())
            return corrupt(page, walk.name, "an entry outside of the page");
        Node node{};
        const std::uint32_t low = read_at<std::uint16_t>(bytes, at);
        const std::uint32_t high = read_at<std::uint16_t>(bytes, at + 2);
        node.flags = read_at<std::uint16_t>(bytes, at + 4);
        const std::size_t key_size = read_at<std::uint16_t>(bytes, at + 6);
        node.size = low | high << 16;
        node.child = node.size | static_cast<std::uint64_t>(node.flags) << 32;
        const std::size_t inside = !leaf                          ? 0
                                   : (node.flags & kBigData) != 0 ? sizeof(std::uint64_t)
                                                                  : node.size;
        if (key_size > kMaxStoredKey || inside > bytes.size() ||
            at + kNodeSize + key_size + inside > bytes.size())
            return corrupt(page, walk.name, "an entry larger than the page");
        node.key = bytes.subspan(at + kNodeSize, key_size);
        if (leaf) node.value = bytes.subspan(at + kNodeSize + key_size, inside);

        const bool implied = !leaf && i == 0;  // this key is never compared
        if (!implied) {
            if (numbers ? key_size != sizeof(std::uint64_t) : key_size == 0)
                return corrupt(page, walk.name, "a key of an impossible size");
            const bool after_first = i > (leaf ? 0U : 1U);
            if ((after_first && !before(nodes.back().key, node.key, numbers)) ||
                (bounds.from && before(node.key, *bounds.from, numbers)) ||
                (bounds.to && !before(node.key, *bounds.to, numbers)))
                return corrupt(page, walk.name, "keys out of order");
        }
        nodes.push_back(node);
        const std::size_t used = kNodeSize + key_size + inside;
        places.emplace_back(at, at + used + used % 2);
    }
    // The entries fill the page's end, one behind the other.
    std::ranges::sort(places);
    std::size_t end = upper;
    for (const auto& [from, to] : places) {
        if (from != end) return corrupt(page, walk.name, "entries that overlap or leave gaps");
        end = to;
    }
    if (end != bytes.size()) return corrupt(page, walk.name, "entries that overlap or leave gaps");
    return nodes;
}

Status Checker::visit_leaf(Walk& walk, std::uint64_t page, const Node& node) {
    ++walk.entries;
    if (walk.kind == Kind::kSpaces) {
        if (node.flags != kSubData || node.value.size() != kTreeSize)
            return corrupt(page, walk.name, "an entry that is no space");
        const Tree space = read_tree(node.value);
        if (space.flags != 0) return corrupt(page, walk.name, "a space of an unknown kind");
        return walk_tree(page, space, Kind::kSpace, std::string(as_text(node.key)));
    }
    if ((node.flags & ~kBigData) != 0) return corrupt(page, walk.name, "an entry of an unknown kind");
    const bool is_free = walk.kind == Kind::kFreePages;
    if (!is_free) ++entries_;
    if (node.flags == 0) return is_free ? visit_free(page, node.key, node.value) : Status();

    const auto first = read_at<std::uint64_t>(node.value, 0);
    std::array<std::uint8_t, kHeaderSize> header;
    if (first > last_page_) return corrupt(page, walk.name, "a large value outside of the store");
    SIGILLO_TRY(named_by(page, first, read_page(first, walk.name, header)));
    const std::uint64_t pages = read_at<std::uint32_t>(header, 12);
    // A value that became smaller within its own transaction keeps the pages that it had.
    if (read_at<std::uint16_t>(header, 10) != kOverflow ||
        pages < (kHeaderSize - 1 + node.size) / page_size_ + 1)
        return named_by(page, first, corrupt(first, walk.name, "is not of the kind that belongs here"));
    SIGILLO_TRY(named_by(page, first, claim(first, pages, walk.name)));
    if (!is_free) return {};
    Bytes list(node.size);
    SIGILLO_ASSIGN(const std::size_t size, read(first * page_size_ + kHeaderSize, list));
    if (size < list.size()) return corrupt(first, walk.name, "behind the end of the file");
    return visit_free(first, node.key, list);
}

// A list of pages that one commit freed: their number, then each, descending.
Status Checker::visit_free(std::uint64_t page, ByteView key, ByteView list) {
    const auto freed_by = read_at<std::uint64_t>(key, 0);
    if (freed_by == 0 || freed_by > txn_id_)
        return corrupt(page, kFreeName, "a list of a commit that never was");
    if (list.size() < 8 || list.size() % 8 != 0)
        return corrupt(page, kFreeName, "a list of an impossible size");
    const auto count = read_at<std::uint64_t>(list, 0);
    if (count > list.size() / 8 - 1) return corrupt(page, kFreeName, "a list longer than its place");
    std::uint64_t last = kNoPage;
    for (std::size_t i = 1; i <= count; ++i) {
        const auto free = read_at<std::uint64_t>(list, 8 * i);
        if (free >= last) return corrupt(page, kFreeName, "a list out of order");
        SIGILLO_TRY(named_by(page, free, claim(free, 1, kFreeName)));
        last = free;
    }
    return {};
}

}  // namespace

Result<StoreFileSummary> check_store_file(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT) return StoreFileSummary{};
    if (!fd) return std::unexpected(errno_error(errno, "open " + path));
    return Checker(fd.get()).run();
}

}  // namespace sigillo
