#include "appliance/issuance/ocsp_cache.h"

#include <iterator>

namespace sigillo::issuance {

std::optional<OcspCache::Entry> OcspCache::find(ByteView question, std::uint64_t state, BootTime now) {
    const Bytes key = to_bytes(question);
    const std::lock_guard lock(mutex_);
    const auto found = by_question_.find(key);
    if (found == by_question_.end()) return std::nullopt;
    const Place place = found->second;
    if (place->state == state && now - place->made < life_) return place->entry;
    kept_.erase(place);
    by_question_.erase(found);
    return std::nullopt;
}

void OcspCache::keep(Bytes question, std::uint64_t state, BootTime now, Entry entry) {
    if (limit_ == 0 || life_ <= BootTime::zero()) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = by_question_.find(question); found != by_question_.end()) {
        // Of two that were made at once the later state counts.
        if (found->second->state > state) return;
        kept_.erase(found->second);
        by_question_.erase(found);
    }
    if (kept_.size() >= limit_) {
        by_question_.erase(kept_.back().question);
        kept_.pop_back();
    }
    kept_.push_front(Kept{question, state, now, std::move(entry)});
    by_question_.emplace(std::move(question), kept_.begin());
}

std::size_t OcspCache::size() const {
    const std::lock_guard lock(mutex_);
    return kept_.size();
}

}  // namespace sigillo::issuance
