// Time as tokens state it.
#pragma once

#include <chrono>

namespace sigillo::tsa {

// UTC, microseconds: finer than any accuracy that a TSA states.
using PreciseTime = std::chrono::sys_time<std::chrono::microseconds>;
using Microseconds = std::chrono::microseconds;

}  // namespace sigillo::tsa
