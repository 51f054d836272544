// What a short-lived child gives up that works on one document and nothing else: everything but the
// descriptors that it has.
//
// Made once, in the parent (libseccomp takes about a millisecond); put on in each child, in a few system
// calls and without allocating.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

#include "appliance/base/file.h"
#include "hardening/hardening.h"

namespace sigillo {

struct WorkerLimits {
    std::uint64_t address_space = 0;  // bytes, of the whole process (RLIMIT_AS)
    std::uint64_t file_size = 0;      // bytes that one file may grow to (RLIMIT_FSIZE); beyond: EFBIG
    unsigned cpu_s = 0;               // processor time; beyond: SIGXCPU
    unsigned descriptors = 0;         // numbers below this
};

// Immutable after create().
class WorkerConfinement {
 public:
    // kUnavailable: the kernel refused. Where it has no Landlock, or the configuration switches one of the
    // two off, the other one holds alone; the logger says so.
    static Result<WorkerConfinement> create(const HardeningConfig& config, Logger& logger);

    // In the child, before it reads a foreign byte; a one-way street. Afterwards: no file is opened, made or
    // removed, no socket made, no process or thread made, no signal sent, no memory made executable; what is
    // open can be read and written. Any other system call ends the process (SIGSYS), or fails with EPERM
    // where the configuration says `errno`. 0, or the errno of the step that failed.
    int apply(const WorkerLimits& limits) const noexcept;

 private:
    WorkerConfinement() = default;
    UniqueFd landlock_;                 // a ruleset without a rule; empty: none
    std::vector<sock_filter> seccomp_;  // empty: none
};

}  // namespace sigillo
