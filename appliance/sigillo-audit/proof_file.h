// One leaf with its proof of inclusion, to be checked without the log: FORMAT.md, "Proof files".
#pragma once

#include <nlohmann/json.hpp>

#include "appliance/audit/verify/log_snapshot.h"

namespace sigillo::audit_tool {

// Errors of LogSnapshot::prove().
Result<nlohmann::json> proof_of(const audit::LogSnapshot& snapshot, std::uint64_t index);

}  // namespace sigillo::audit_tool
