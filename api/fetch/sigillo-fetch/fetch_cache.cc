#include "api/fetch/sigillo-fetch/fetch_cache.h"

#include <algorithm>
#include <iterator>

#include "appliance/base/digest.h"

namespace sigillo::fetch {

std::optional<FetchCache::Entry> FetchCache::find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    const Place place = found->second;
    if (clock_.boot_now() >= place->until) {
        drop(place);
        return std::nullopt;
    }
    kept_.splice(kept_.begin(), kept_, place);
    return place->entry;
}

void FetchCache::keep(const std::string& key, Bytes body) {
    if (body.size() > config_.bytes || config_.entries == 0) return;
    const BootTime now = clock_.boot_now();
    const std::lock_guard lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
    bytes_ += body.size();
    kept_.push_front(Kept{key,
                          {std::move(body), clock_.now()},
                          now,
                          now + std::chrono::duration_cast<BootTime>(config_.unjudged_life)});
    by_key_.emplace(key, kept_.begin());
    while (kept_.size() > config_.entries || bytes_ > config_.bytes) drop(std::prev(kept_.end()));
}

void FetchCache::keep_until(const std::string& key, ByteView sha256_of_body, WallTime until) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    const Place place = found->second;
    if (!equal(sha256(place->entry.body), sha256_of_body)) return;
    const BootTime left = std::chrono::duration_cast<BootTime>(until - clock_.now());
    if (left <= BootTime::zero()) {
        drop(place);
        return;
    }
    place->until = std::min(clock_.boot_now() + left,
                            place->made + std::chrono::duration_cast<BootTime>(config_.longest_life));
}

std::size_t FetchCache::size() const {
    const std::lock_guard lock(mutex_);
    return kept_.size();
}

void FetchCache::drop(Place place) {
    bytes_ -= place->entry.body.size();
    by_key_.erase(place->key);
    kept_.erase(place);
}

}  // namespace sigillo::fetch
