// The program that keeps the kernel's clock right, and what it says of its own work: a seam for tests.
#pragma once

#include "appliance/base/result.h"
#include "tsa/kernel_clock.h"
#include "tsa/precise_time.h"

namespace sigillo::tsa {

struct DaemonTracking {
    bool synchronised = false;
    LeapNotice leap = LeapNotice::kNone;
    Microseconds correction{0};  // still to be slewed away; the absolute value
    Microseconds root_delay{0};
    Microseconds root_dispersion{0};
    // Bound of the clock's error as the daemon sees it (RFC 5905 §11.3: root distance).
    Microseconds error() const { return correction + root_delay / 2 + root_dispersion; }
};

struct DaemonSources {
    unsigned configured = 0;
    unsigned usable = 0;  // reachable, and neither a falseticker nor too variable
};

// Calls come from one thread. kUnavailable when the daemon does not answer in time, kCorrupt when it answers
// something else than asked.
class TimeDaemon {
 public:
    virtual ~TimeDaemon() = default;
    virtual Result<DaemonTracking> tracking() = 0;
    virtual Result<DaemonSources> sources() = 0;
};

}  // namespace sigillo::tsa
