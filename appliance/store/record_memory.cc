#include "appliance/store/record_memory.h"

#include <utility>

namespace sigillo {
namespace {

std::string name_of(Space space, ByteView key) {
    std::string name;
    name.reserve(space.name.size() + 1 + key.size());
    name.append(space.name);
    name.push_back('\0');
    name.append(as_text(key));
    return name;
}

}  // namespace

std::shared_ptr<const void> RecordMemory::find(Space space, ByteView key, ByteView stored) {
    std::string name = name_of(space, key);
    std::shared_ptr<const Entry> entry;
    {
        const std::lock_guard lock(mutex_);
        if (const auto young = young_.find(name); young != young_.end()) {
            entry = young->second;
        } else if (const auto old = old_.find(name); old != old_.end()) {
            entry = old->second;
            keep(std::move(name), entry);
        }
    }
    if (!entry || !equal(entry->stored, stored)) return nullptr;
    return entry->value;
}

void RecordMemory::remember(Space space, ByteView key, ByteView stored, std::shared_ptr<const void> value) {
    if (limit_ == 0) return;
    auto entry = std::make_shared<const Entry>(to_bytes(stored), std::move(value));
    std::string name = name_of(space, key);
    Entries forgotten;  // destroyed after the lock
    const std::lock_guard lock(mutex_);
    keep(std::move(name), std::move(entry));
    if (young_.size() < limit_) return;
    forgotten.swap(old_);
    old_.swap(young_);
}

void RecordMemory::keep(std::string name, std::shared_ptr<const Entry> entry) {
    young_.insert_or_assign(std::move(name), std::move(entry));
}

}  // namespace sigillo
