#include "appliance/store/write_set.h"

#include <cstring>

namespace sigillo {

bool WriteSet::Before::operator()(const Place& a, const Place& b) const {
    if (a.space != b.space) return a.space < b.space;
    return compare_keys(a.key, b.key) < 0;
}

void WriteSet::write(std::size_t space, ByteView key, const RowValue& value) {
    const RowValue kept = value ? RowValue(keep(*value)) : std::nullopt;
    const auto at = rows_.lower_bound(Place{space, key});
    if (at != rows_.end() && at->first.space == space && compare_keys(at->first.key, key) == 0) {
        at->second = kept;
        return;
    }
    rows_.emplace_hint(at, Place{space, keep(key)}, kept);
}

std::optional<RowValue> WriteSet::get(std::size_t space, ByteView key) const {
    const auto found = rows_.find(Place{space, key});
    if (found == rows_.end()) return std::nullopt;
    return found->second;
}

void WriteSet::take(WriteSet& later) {
    if (rows_.empty()) {
        rows_.swap(later.rows_);
        return;
    }
    while (!later.rows_.empty()) {
        auto node = later.rows_.extract(later.rows_.begin());
        const auto at = rows_.lower_bound(node.key());
        if (at != rows_.end() && !Before()(node.key(), at->first)) {
            at->second = node.mapped();
        } else {
            rows_.insert(at, std::move(node));
        }
    }
}

Load WriteSet::load() const {
    Load load;
    for (const auto& [place, value] : rows_) load.add(place.key, value);
    return load;
}

ByteView WriteSet::keep(ByteView bytes) {
    if (bytes.empty()) return {};
    auto* const copy = static_cast<std::uint8_t*>(arena_->allocate(bytes.size(), 1));
    std::memcpy(copy, bytes.data(), bytes.size());
    return {copy, bytes.size()};
}

Status WriteSet::Cursor::seek(ByteView from) {
    at_ = rows_.lower_bound(Place{space_, from});
    return {};
}

Status WriteSet::Cursor::next() {
    ++at_;
    return {};
}

}  // namespace sigillo
