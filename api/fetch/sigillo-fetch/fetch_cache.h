// What was fetched before, by URL. Kept for a short time on our own account; longer only when somebody who
// can read it has said until when it holds. Bounded in number, octets and age. Thread-safe.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"

namespace sigillo::fetch {

struct FetchCacheConfig {
    std::size_t entries = 1'024;
    std::size_t bytes = std::size_t{128} << 20;
    // Of what nobody has judged yet: long enough that the ten signatures of one document fetch once.
    std::chrono::seconds unjudged_life{30};
    // However far nextUpdate lies ahead: lists are published anew before they end.
    std::chrono::seconds longest_life{3'600};
};

class FetchCache {
 public:
    struct Entry {
        Bytes body;
        WallTime fetched_at{};
    };

    FetchCache(const FetchCacheConfig& config, const Clock& clock) : config_(config), clock_(clock) {}

    std::optional<Entry> find(const std::string& key);
    void keep(const std::string& key, Bytes body);
    // The body with this SHA-256, if it is still the one that is kept.
    void keep_until(const std::string& key, ByteView sha256, WallTime until);
    std::size_t size() const;

 private:
    struct Kept {
        std::string key;
        Entry entry;
        BootTime made{};
        BootTime until{};
    };
    using Place = std::list<Kept>::iterator;
    void drop(Place place);

    const FetchCacheConfig config_;
    const Clock& clock_;
    mutable std::mutex mutex_;
    std::list<Kept> kept_;  // guarded by mutex_, as is what follows; the last used first
    std::map<std::string, Place> by_key_;
    std::size_t bytes_ = 0;
};

}  // namespace sigillo::fetch
