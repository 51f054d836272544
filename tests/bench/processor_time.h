// Processor time that the measured processes took.
#pragma once

#include <chrono>
#include <filesystem>

#include "appliance/base/result.h"

namespace sigillo::bench {

// User and system time, so far, of the processes named by the *.pid files of a directory and of their
// children (nginx's workers), from proc(5): in steps of 10 ms each. kUnavailable when one of them is gone.
Result<std::chrono::microseconds> processor_time(const std::filesystem::path& pids);
// Of this process.
std::chrono::microseconds own_processor_time();

}  // namespace sigillo::bench
