// Small sums for the benchmarks.
#pragma once

#include <string>
#include <vector>

namespace sigillo::bench {

// The value that a share (0 to 1) of the samples does not exceed. Reorders them. 0 when there are none.
double percentile(std::vector<double>& samples, double share);

// User and system time of these processes so far, their threads included (/proc/PID/stat).
double cpu_seconds(const std::vector<std::string>& pids);

}  // namespace sigillo::bench
