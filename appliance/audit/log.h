// The signing log inside the store: an RFC 6962 Merkle tree whose leaves are appended in the same transaction
// as the change that they record. Publication as C2SP tiles and checkpoints: publisher.h.
#pragma once

#include <cstdint>

#include "appliance/audit/event.h"
#include "appliance/store/store.h"

namespace sigillo::audit {

struct TreeHead {
    std::uint64_t size = 0;
    Bytes root;  // 32 bytes, RFC 6962 §2.1; of the empty string's SHA-256 when size is 0
};

// Thread-safe. Keeps its state in the spaces kLogLeaves and kLogState, so that a transaction that fails takes
// its leaves with it.
class Log {
 public:
    virtual ~Log() = default;
    // Index of the new leaf.
    virtual Result<std::uint64_t> append(WriteTransaction& txn, const Event& event) = 0;
    virtual Result<TreeHead> head(ReadTransaction& txn) = 0;
    // Number of leaves = index of the next one. Cheap: no hashing.
    virtual Result<std::uint64_t> size(ReadTransaction& txn) = 0;
    // A leaf of before; from the store, or from the published bundles once it was packed out of it.
    // kNotFound beyond the head.
    virtual Result<Bytes> leaf(ReadTransaction& txn, std::uint64_t index) = 0;
};

}  // namespace sigillo::audit
