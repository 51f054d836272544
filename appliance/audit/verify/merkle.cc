#include "appliance/audit/verify/merkle.h"

#include <algorithm>
#include <bit>

namespace sigillo::audit {
namespace {

constexpr std::uint8_t kLeafPrefix = 0;
constexpr std::uint8_t kNodePrefix = 1;

// The largest power of two below n; n ≥ 2.
std::uint64_t split(std::uint64_t n) {
    return std::bit_floor(n - 1);
}

// MTH(D[begin:end]), where begin is a multiple of the smallest power of two that is not below end - begin.
Result<Hash> range_root(std::uint64_t begin, std::uint64_t end, const NodeReader& nodes) {
    const std::uint64_t n = end - begin;
    if (std::has_single_bit(n)) return nodes(static_cast<unsigned>(std::countr_zero(n)), begin / n);
    const std::uint64_t middle = begin + split(n);
    SIGILLO_ASSIGN(const Hash left, range_root(begin, middle, nodes));
    SIGILLO_ASSIGN(const Hash right, range_root(middle, end, nodes));
    return node_hash(left, right);
}

// PATH(index, D[begin:end]), leaf's sibling first.
Status append_path(std::uint64_t index, std::uint64_t begin, std::uint64_t end, const NodeReader& nodes,
                   std::vector<Hash>& proof) {
    if (end - begin == 1) return {};
    const std::uint64_t middle = begin + split(end - begin);
    const bool left = index < middle;
    SIGILLO_TRY(append_path(index, left ? begin : middle, left ? middle : end, nodes, proof));
    SIGILLO_ASSIGN(const Hash sibling, range_root(left ? middle : begin, left ? end : middle, nodes));
    proof.push_back(sibling);
    return {};
}

// SUBPROOF(old, D[begin:end], whole): `old` counts from 0, begin < old ≤ end; `whole` says that the old tree
// is this very range, whose hash the verifier knows.
Status append_subproof(std::uint64_t old, std::uint64_t begin, std::uint64_t end, bool whole,
                       const NodeReader& nodes, std::vector<Hash>& proof) {
    if (old == end) {
        if (whole) return {};
        SIGILLO_ASSIGN(const Hash own, range_root(begin, end, nodes));
        proof.push_back(own);
        return {};
    }
    const std::uint64_t middle = begin + split(end - begin);
    const bool left = old <= middle;
    SIGILLO_TRY(left ? append_subproof(old, begin, middle, whole, nodes, proof)
                     : append_subproof(old, middle, end, false, nodes, proof));
    SIGILLO_ASSIGN(const Hash sibling, range_root(left ? middle : begin, left ? end : middle, nodes));
    proof.push_back(sibling);
    return {};
}

}  // namespace

Hash leaf_hash(ByteView leaf) {
    return sha256({ByteView(&kLeafPrefix, 1), leaf});
}

Hash node_hash(const Hash& left, const Hash& right) {
    std::array<std::uint8_t, 65> input;
    input[0] = kNodePrefix;
    std::ranges::copy(left, input.begin() + 1);
    std::ranges::copy(right, input.begin() + 33);
    return sha256(ByteView(input));
}

Hash empty_root() {
    return sha256(ByteView());
}

Result<Hash> to_hash(ByteView bytes) {
    Hash hash;
    if (bytes.size() != hash.size()) return fail(Errc::kCorrupt, "a SHA-256 value has 32 bytes");
    std::ranges::copy(bytes, hash.begin());
    return hash;
}

Result<Frontier> Frontier::create(std::uint64_t size, std::vector<Hash> hashes) {
    if (hashes.size() != static_cast<std::size_t>(std::popcount(size)))
        return fail(Errc::kCorrupt, "the Merkle frontier does not fit its size of " + std::to_string(size));
    Frontier frontier;
    frontier.size_ = size;
    frontier.hashes_ = std::move(hashes);
    return frontier;
}

void Frontier::append(const Hash& leaf) {
    Hash hash = leaf;
    for (std::uint64_t n = size_; (n & 1) != 0; n >>= 1) {
        hash = node_hash(hashes_.back(), hash);
        hashes_.pop_back();
    }
    hashes_.push_back(hash);
    ++size_;
}

Hash Frontier::root() const {
    if (hashes_.empty()) return empty_root();
    Hash hash = hashes_.back();
    for (std::size_t i = hashes_.size() - 1; i-- > 0;) hash = node_hash(hashes_[i], hash);
    return hash;
}

Result<Hash> tree_root(std::uint64_t size, const NodeReader& nodes) {
    if (size == 0) return empty_root();
    return range_root(0, size, nodes);
}

Result<Frontier> tree_frontier(std::uint64_t size, const NodeReader& nodes) {
    std::vector<Hash> hashes;
    std::uint64_t begin = 0;
    while (begin < size) {
        const std::uint64_t width = std::bit_floor(size - begin);
        SIGILLO_ASSIGN(const Hash hash, nodes(static_cast<unsigned>(std::countr_zero(width)), begin / width));
        hashes.push_back(hash);
        begin += width;
    }
    return Frontier::create(size, std::move(hashes));
}

Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeReader& nodes) {
    if (index >= size) return fail(Errc::kInvalidArgument, "no such leaf in this tree", "index");
    std::vector<Hash> proof;
    SIGILLO_TRY(append_path(index, 0, size, nodes, proof));
    return proof;
}

// RFC 9162 §2.1.3.2.
bool verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                      const std::vector<Hash>& proof, const Hash& root) {
    if (index >= size) return false;
    std::uint64_t fn = index;
    std::uint64_t sn = size - 1;
    Hash hash = leaf;
    for (const Hash& sibling : proof) {
        if (sn == 0) return false;
        if ((fn & 1) != 0 || fn == sn) {
            hash = node_hash(sibling, hash);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            hash = node_hash(hash, sibling);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && hash == root;
}

Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t new_size,
                                            const NodeReader& nodes) {
    if (old_size > new_size) return fail(Errc::kInvalidArgument, "the older tree is the larger one", "size");
    std::vector<Hash> proof;
    if (old_size == 0) return proof;
    SIGILLO_TRY(append_subproof(old_size, 0, new_size, true, nodes, proof));
    return proof;
}

// RFC 9162 §2.1.4.2.
bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const Hash& old_root,
                        const Hash& new_root, const std::vector<Hash>& proof) {
    if (old_size > new_size) return false;
    if (old_size == new_size) return proof.empty() && old_root == new_root;
    if (old_size == 0) return proof.empty() && old_root == empty_root();
    if (proof.empty() && !std::has_single_bit(old_size)) return false;

    std::uint64_t fn = old_size - 1;
    std::uint64_t sn = new_size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    auto next = proof.begin();
    // When the old tree is one complete subtree, its root is where the path starts; the proof leaves it out.
    const Hash start = std::has_single_bit(old_size) ? old_root : *next++;
    Hash old_hash = start;
    Hash new_hash = start;
    for (; next != proof.end(); ++next) {
        if (sn == 0) return false;
        if ((fn & 1) != 0 || fn == sn) {
            old_hash = node_hash(*next, old_hash);
            new_hash = node_hash(*next, new_hash);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            new_hash = node_hash(new_hash, *next);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && old_hash == old_root && new_hash == new_root;
}

}  // namespace sigillo::audit
