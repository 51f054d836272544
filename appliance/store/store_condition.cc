#include "appliance/store/store_condition.h"

#include <lmdb.h>

#include <utility>

namespace sigillo {

void StoreCondition::note(Part part, const Status& status) {
    std::string why;
    if (!status) {
        why = to_string(status.error());
        if (status.error().native == MDB_PANIC)
            why = "the head of the store's file could not be written; mend the disk and restart: " + why;
    }
    const std::lock_guard lock(mutex_);
    const std::string before = reason_locked();
    reasons_[static_cast<std::size_t>(part)] = std::move(why);
    const std::string now = reason_locked();
    if (before.empty() == now.empty()) return;
    if (now.empty()) {
        logger_.notice("store_writable_again", {{"was", before}});
    } else {
        logger_.error("store_not_writable", {{"reason", now}});
    }
}

std::string StoreCondition::reason() const {
    const std::lock_guard lock(mutex_);
    return reason_locked();
}

bool StoreCondition::failed(Part part) const {
    const std::lock_guard lock(mutex_);
    return !reasons_[static_cast<std::size_t>(part)].empty();
}

// One fault often shows at both places in the same words.
std::string StoreCondition::reason_locked() const {
    const auto& [commit, flush] = reasons_;
    if (commit.empty() || commit == flush) return flush;
    return flush.empty() ? commit : flush + "; " + commit;
}

}  // namespace sigillo
