#include "appliance/audit/version_table.h"

#include <algorithm>
#include <bit>

namespace sigillo::audit {

VersionTable::VersionTable(std::size_t entries)
    : slots_(std::bit_ceil(std::max<std::size_t>(entries, 4) * 3 / 2)),
      limit_(std::max<std::size_t>(entries, 4)) {}

VersionTable::Entry* VersionTable::find(std::uint64_t record) {
    for (std::size_t i = record & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
        if (slots_[i].record == record) return &slots_[i];
        if (slots_[i].record == 0) return nullptr;
    }
}

VersionTable::Entry* VersionTable::find_or_add(std::uint64_t record) {
    if (Entry* found = find(record)) return found;
    if (used_ == limit_) return nullptr;
    ++used_;
    std::size_t i = record & (slots_.size() - 1);
    while (slots_[i].record != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i].record = record;
    return &slots_[i];
}

void VersionTable::clear() {
    std::ranges::fill(slots_, Entry{});
    used_ = 0;
}

}  // namespace sigillo::audit
