// Reads what published logs tell beyond what a store has: after a restore, or a rollback that an officer
// overrides. Of the signing log and the TSA's alike; what its leaves mean is their takers' business.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "appliance/audit/log_identity.h"
#include "appliance/audit/log_places.h"
#include "appliance/audit/store_log.h"
#include "appliance/audit/verify/leaf.h"
#include "appliance/base/result.h"

namespace sigillo {

struct StorePosition {
    std::uint64_t store_epoch = 1;
    audit::Frontier tree;         // of the store's log in that epoch
    std::uint64_t new_epoch = 2;  // logs of the epochs below it are read
};

// What is made of one epoch's leaves. Nothing may come of them before accept(): they are not known to be
// genuine.
class LeafTaker {
 public:
    virtual ~LeafTaker() = default;
    virtual void take(std::uint64_t index, const audit::Leaf& leaf) = 0;
    virtual void accept() = 0;

 protected:
    LeafTaker() = default;
    LeafTaker(const LeafTaker&) = default;
    LeafTaker& operator=(const LeafTaker&) = default;
};
// Of one epoch, whose leaves below `known` stand in the store.
using TakerOfEpoch = std::function<std::unique_ptr<LeafTaker>(std::uint64_t epoch, std::uint64_t known)>;

struct LogReading {
    std::uint64_t leaves = 0;       // accepted
    std::vector<std::string> gaps;  // why this may not be all, for an officer to read
};

// Logs that were set aside below the log directory, and the one in the directory itself. A log is believed
// when the store's own tree, with the leaves read appended, comes to the root of its signed checkpoint: then
// they are genuine, and follow on what the store has. One that does not, that is damaged, or that ends before
// the newest checkpoint known is a gap.
LogReading read_beyond(const audit::LogPlaces& places, const audit::LogIdentity& identity, StorePosition from,
                       const TakerOfEpoch& taker_of_epoch);

// "2026-11-23T09:15:00.123Z", as event.h writes it, in Unix milliseconds; 0 for anything else.
std::int64_t millis_of(std::string_view time);

}  // namespace sigillo
