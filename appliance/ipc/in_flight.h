// Requests that wait for their answers, found by id, ordered by deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "appliance/ipc/client.h"

namespace sigillo::ipc {

// Not thread-safe. All deadlines are equally long, so the order of arrival is their order.
class InFlight {
 public:
    using Moment = std::chrono::steady_clock::time_point;

    bool contains(std::uint64_t id) const { return by_id_.contains(id); }
    std::size_t size() const { return by_id_.size(); }
    void add(std::uint64_t id, Moment deadline, Client::Callback callback) {
        entries_.push_back({id, deadline, std::move(callback)});
        by_id_.emplace(id, std::prev(entries_.end()));
    }
    // Empty when there is no such request (any more).
    Client::Callback take(std::uint64_t id) {
        const auto found = by_id_.find(id);
        if (found == by_id_.end()) return {};
        Client::Callback callback = std::move(found->second->callback);
        entries_.erase(found->second);
        by_id_.erase(found);
        return callback;
    }
    std::vector<Client::Callback> take_expired(Moment now) {
        std::vector<Client::Callback> expired;
        while (!entries_.empty() && entries_.front().deadline <= now)
            expired.push_back(take(entries_.front().id));
        return expired;
    }
    std::vector<Client::Callback> take_all() { return take_expired(Moment::max()); }
    std::optional<Moment> next_deadline() const {
        if (entries_.empty()) return std::nullopt;
        return entries_.front().deadline;
    }

 private:
    struct Entry {
        std::uint64_t id;
        Moment deadline;
        Client::Callback callback;
    };
    std::list<Entry> entries_;
    std::unordered_map<std::uint64_t, std::list<Entry>::iterator> by_id_;
};

}  // namespace sigillo::ipc
