// The Merkle tree of RFC 6962 §2.1 over SHA-256: hashing, the frontier that a log grows by, inclusion and
// consistency proofs. Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/digest.h"
#include "appliance/base/result.h"

namespace sigillo::audit {

using Hash = Sha256Value;

Hash leaf_hash(ByteView leaf);                        // SHA-256(0x00 ‖ leaf)
Hash node_hash(const Hash& left, const Hash& right);  // SHA-256(0x01 ‖ left ‖ right)
Hash empty_root();                                    // SHA-256("")
Result<Hash> to_hash(ByteView bytes);                 // kCorrupt unless 32 bytes

// The complete subtrees that a tree of size() leaves consists of, largest first: all that is needed to append
// and to know the root. popcount(size()) hashes. Not thread-safe.
class Frontier {
 public:
    Frontier() = default;
    // kCorrupt when the number of hashes does not fit the size.
    static Result<Frontier> create(std::uint64_t size, std::vector<Hash> hashes);

    void append(const Hash& leaf);
    Hash root() const;
    std::uint64_t size() const { return size_; }
    const std::vector<Hash>& hashes() const { return hashes_; }

 private:
    std::uint64_t size_ = 0;
    std::vector<Hash> hashes_;
};

// The hash of the complete subtree over leaves [index << level, (index + 1) << level).
using NodeReader = std::function<Result<Hash>(unsigned level, std::uint64_t index)>;

// Root of the tree of the first `size` leaves; O(log size) nodes are read.
Result<Hash> tree_root(std::uint64_t size, const NodeReader& nodes);
Result<Frontier> tree_frontier(std::uint64_t size, const NodeReader& nodes);

// RFC 6962 §2.1.1: kInvalidArgument unless index < size.
Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeReader& nodes);
bool verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                      const std::vector<Hash>& proof, const Hash& root);

// RFC 6962 §2.1.2: kInvalidArgument unless old_size ≤ new_size. Empty when the sizes are equal or old_size is
// 0.
Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t new_size,
                                            const NodeReader& nodes);
bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const Hash& old_root,
                        const Hash& new_root, const std::vector<Hash>& proof);

}  // namespace sigillo::audit
