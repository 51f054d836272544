// A Landlock ruleset before its rules: what is handled is forbidden. Not for other folders.
#pragma once

#include <cstdint>

#include "appliance/base/file.h"
#include "hardening/hardening.h"

namespace sigillo {

struct LandlockRuleset {
    UniqueFd fd;  // empty where the kernel has no Landlock
    std::uint64_t file_rights = 0;
    LandlockState state;
};

// kUnavailable: the kernel refused. Without Landlock in the kernel: no fd, and a warning.
Result<LandlockRuleset> make_landlock_ruleset(Logger& logger);

}  // namespace sigillo
