// A time-stamping unit in service: one key, one certificate, and all that a token needs of them, made once.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "appliance/base/ids.h"
#include "keystore/signing_key.h"
#include "tsa/precise_time.h"
#include "tsa/token_template.h"

namespace sigillo::tsa {

struct UnitTag {
    static constexpr std::string_view kField = "unitID";
};
using UnitId = Id<UnitTag>;

// Immutable but for `closed`; thread-safe.
struct TimeStampingUnit {
    UnitId id;
    std::shared_ptr<SigningKey> key;
    Verifier verifier;
    TokenTemplate token;
    // genTime lies within (EN 319 421 §7.6.7), both ends included.
    PreciseTime usage_from;
    PreciseTime usage_until;
    std::vector<std::string> policies;  // dotted; empty: all of the TSA's
    // Set by the store transaction that takes the unit out of service: no token of it is logged after that.
    // Cleared if the transaction comes to nothing.
    mutable std::atomic<bool> closed{false};

    TimeStampingUnit(UnitId unit, std::shared_ptr<SigningKey> signing_key, Verifier checker,
                     TokenTemplate parts)
        : id(std::move(unit)),
          key(std::move(signing_key)),
          verifier(std::move(checker)),
          token(std::move(parts)) {}

    bool may_sign_at(PreciseTime time) const { return usage_from <= time && time <= usage_until; }
    bool serves(std::string_view policy) const {
        if (policies.empty()) return true;
        for (const std::string& own : policies)
            if (own == policy) return true;
        return false;
    }
};

// The units in service at one time, the one that came last first. Immutable.
using UnitSet = std::vector<std::shared_ptr<const TimeStampingUnit>>;

}  // namespace sigillo::tsa
