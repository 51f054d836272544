#include "api/documents/proof_cache.h"

#include <algorithm>
#include <iterator>

#include "appliance/base/digest.h"

namespace sigillo::api::documents {

Bytes ProofCache::key_of(const Bytes& certificate, const Bytes& issuer) {
    return concat(sha256(certificate), sha256(issuer));
}

std::optional<Proof> ProofCache::find(const Bytes& key) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    const Place place = found->second;
    if (clock_.boot_now() >= place->until || clock_.now() >= place->proof.checked.next_update) {
        drop(place);
        return std::nullopt;
    }
    kept_.splice(kept_.begin(), kept_, place);
    return place->proof;
}

void ProofCache::keep(const Bytes& key, const Proof& proof) {
    std::size_t bytes = proof.der->size();
    for (const Bytes& certificate : proof.checked.certificates) bytes += certificate.size();
    for (const NeededProof& further : proof.checked.further)
        bytes += further.certificate.size() + further.issuer.size() + further.ocsp_request.size();
    const std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
    if (bytes > config_.bytes || config_.entries == 0) return;
    kept_.push_front(
        Kept{key, proof, bytes, clock_.boot_now() + std::chrono::duration_cast<BootTime>(config_.life)});
    by_key_.emplace(key, kept_.begin());
    bytes_ += bytes;
    while (kept_.size() > config_.entries || bytes_ > config_.bytes) drop(std::prev(kept_.end()));
}

void ProofCache::drop(Place place) {
    bytes_ -= place->bytes;
    by_key_.erase(place->key);
    kept_.erase(place);
}

}  // namespace sigillo::api::documents
