// Proofs that a document worker has checked, by the certificate that they are for. Bounded in number, octets
// and age. Thread-safe.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "api/documents/validation_data.h"

namespace sigillo::api::documents {

struct Proof {
    ProofKind kind{};
    std::shared_ptr<const Bytes> der;
    CheckedProof checked;
    WallTime fetched_at{};
};

struct ProofCacheConfig {
    std::size_t entries = 0;
    std::size_t bytes = 0;
    std::chrono::seconds life{};
};

class ProofCache {
 public:
    ProofCache(const ProofCacheConfig& config, const Clock& clock) : config_(config), clock_(clock) {}

    static Bytes key_of(const Bytes& certificate, const Bytes& issuer);
    std::optional<Proof> find(const Bytes& key);
    void keep(const Bytes& key, const Proof& proof);

 private:
    struct Kept {
        Bytes key;
        Proof proof;
        std::size_t bytes;
        BootTime until;
    };
    using Place = std::list<Kept>::iterator;
    void drop(Place place);

    const ProofCacheConfig config_;
    const Clock& clock_;
    std::mutex mutex_;
    std::list<Kept> kept_;  // guarded by mutex_, as is what follows; the last used first
    std::map<Bytes, Place> by_key_;
    std::size_t bytes_ = 0;
};

}  // namespace sigillo::api::documents
