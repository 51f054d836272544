// The kernel's clocks and what it says of their discipline: the seam at which tests put time of their own.
#pragma once

#include <optional>

#include "appliance/base/result.h"
#include "tsa/precise_time.h"

namespace sigillo::tsa {

// Two clocks at one instant.
struct ClockReading {
    PreciseTime real;   // CLOCK_REALTIME: may be set by anybody who may
    Microseconds boot;  // CLOCK_BOOTTIME: goes on through suspend, is never set; slewed as the other is
};

enum class LeapNotice : std::uint8_t { kNone, kInsert, kDelete };

// adjtimex(2), read only.
struct KernelDiscipline {
    bool synchronised = false;  // neither TIME_ERROR nor STA_UNSYNC nor STA_CLOCKERR
    Microseconds max_error{0};
    LeapNotice leap = LeapNotice::kNone;  // at the end of this UTC day
    bool leap_running = false;            // TIME_OOP: the second is being inserted now
};

// Thread-safe.
class KernelClock {
 public:
    virtual ~KernelClock() = default;
    virtual ClockReading read() = 0;
    virtual Result<KernelDiscipline> discipline() = 0;
};

class SystemKernelClock final : public KernelClock {
 public:
    ClockReading read() override;
    Result<KernelDiscipline> discipline() override;
};

}  // namespace sigillo::tsa
