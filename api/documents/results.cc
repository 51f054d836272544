#include "api/documents/results.h"

#include <algorithm>

#include "appliance/base/ids.h"

namespace sigillo::api::documents {

std::optional<std::string> Results::begin(const std::string& client, std::chrono::milliseconds validity) {
    const std::lock_guard lock(mutex_);
    forget_old();
    const auto own =
        std::ranges::count_if(entries_, [&](const auto& entry) { return entry.second.client == client; });
    if (entries_.size() >= limit_ || static_cast<std::size_t>(own) >= (limit_ + 1) / 2) return std::nullopt;
    std::string id = random_id(random_);
    entries_.emplace(id, Entry{client, validity, std::nullopt, {}});
    return id;
}

void Results::finish(const std::string& id, Response response) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    found->second.response = std::move(response);
    found->second.ends = clock_.boot_now() + found->second.validity;
}

std::optional<Results::Found> Results::find(const std::string& client, const std::string& id) {
    const std::lock_guard lock(mutex_);
    forget_old();
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.client != client) return std::nullopt;
    if (!found->second.ends) return Found{};
    return Found{true, found->second.response};
}

void Results::forget_old() {
    const auto now = clock_.boot_now();
    std::erase_if(entries_,
                  [&](const auto& entry) { return entry.second.ends && *entry.second.ends <= now; });
}

}  // namespace sigillo::api::documents
