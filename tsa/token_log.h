// The TSA's log: one leaf for each token, before the token is signed, and what happened to units, clock and
// daemon. README.md has the leaves. After a compromise they name every token that is affected (EN 319 421
// §7.12, §7.13).
#pragma once

#include <string_view>

#include "appliance/audit/recorder.h"
#include "appliance/base/task.h"
#include "tsa/time_source.h"
#include "tsa/tst_info.h"
#include "tsa/unit.h"

namespace sigillo::tsa {

struct TokenEntry {
    const TimeStampingUnit& unit;
    const SerialNumber& serial;
    const Digest& imprint;
    std::string_view policy;    // dotted
    std::string_view gen_time;  // as the token has it
};

// Durable when it goes on: the token may be signed. kConflict when the unit has gone out of service
// meanwhile: take another. Errors of Store::update(): kStorageFull, kUnavailable. What `entry` refers to
// outlives the Task.
Task<Status> log_token(audit::Ledger& ledger, TokenEntry entry);

// Durable on return.
Status log_time_change(audit::Ledger& ledger, const TimeChange& change);

}  // namespace sigillo::tsa
