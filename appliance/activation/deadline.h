// Points in time that nobody who sets the wall clock can move: record::Deadline on CLOCK_BOOTTIME.
// Pure functions of the clock; safe from any thread.
#pragma once

#include <chrono>

#include "appliance/base/clock.h"
#include "appliance/store/records.pb.h"

namespace sigillo::activation {

record::Deadline deadline_after(const Clock& clock, std::chrono::milliseconds from_now);

// Whether `deadline` was set in this boot: only then does its boot time mean anything.
bool of_this_boot(const record::Deadline& deadline, const Clock& clock);

// Milliseconds until `deadline`, never negative; zero once it has passed. Within the boot that set it by boot
// time, after a reboot by wall time.
std::chrono::milliseconds remaining(const record::Deadline& deadline, const Clock& clock);

// The same, but zero in every other boot than its own: for permissions, which a reboot ends.
std::chrono::milliseconds remaining_this_boot(const record::Deadline& deadline, const Clock& clock);

}  // namespace sigillo::activation
