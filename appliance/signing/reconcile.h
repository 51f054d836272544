// At start: every Intent without an Outcome becomes `unknown`.
#pragma once

#include <chrono>
#include <cstdint>

#include "appliance/activation/sad.h"
#include "appliance/audit/recorder.h"

namespace sigillo::signing {

// A crash between steps 3 and 6 leaves an Intent without an Outcome. Whether the key signed cannot be known
// any more: the Outcome says so, the hashes stay spent, and the retry is told to authorise again. Returns how
// many there were. An Intent of an earlier epoch gets its Outcome in the present log, with `intent_epoch`.
// Runs before the first request is served; durable on return.
Result<std::uint64_t> reconcile_open_intents(audit::Ledger& ledger, const activation::Sads& sads,
                                             std::chrono::hours retry_window);

}  // namespace sigillo::signing
