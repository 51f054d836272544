// An officer's order of a new epoch of the TSA's log (epoch_order.h has the file),
// `<tsa.store_directory>/epoch.order`, as `sigilloctl log override --tsa` and `backup restore` write it.
//
// All of it is one transaction: the epoch is opened, what the newest log at hand tells of units is done again
// (tsa_replay.h), "epoch.hardened" says what was done and what could not be, and the order's SHA-256 is
// remembered, so that the same file never opens another. Then the file is removed.
#pragma once

#include "appliance/base/result.h"

namespace sigillo {

struct Foundation;
struct TsaFoundation;

// Before guard_log(). No file, or one that was carried out: nothing. kInvalidArgument when the file is not an
// order; errors of open_epoch().
Status carry_out_tsa_order(const Foundation& base, TsaFoundation& tsa);

}  // namespace sigillo
