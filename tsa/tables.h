// The spaces of the TSA's store environment: its units, the last order of a new epoch (tables::kMeta), and
// its log. DESIGN §6: a log of its own, with origin, key and disk space of its own, so that anonymous traffic
// cannot fill the disk that signing needs.
#pragma once

#include <array>

#include "appliance/store/tables.h"
#include "tsa/records.pb.h"

namespace sigillo::tsa {

inline constexpr Table<record::Unit> kUnits{{"tsa_units"}, true};

// For opening the store. The log stands in the usual spaces of this other environment.
inline constexpr std::array kTsaSpaces{kUnits.space, tables::kMeta.space, kLogLeaves, kLogState};

}  // namespace sigillo::tsa
