// The arguments that every command begins with, made into something to read from.
#pragma once

#include "appliance/audit/verify/leaf.h"
#include "appliance/audit/verify/log_snapshot.h"
#include "appliance/sigillo-audit/commands.h"
#include "appliance/sigillo-audit/terminal.h"

namespace sigillo::audit_tool {

// Errors with `field` set are about the command line (exit 2), others about the log (exit 1).
Result<audit::TrustedKeys> read_keys(const std::filesystem::path& file);
Result<audit::LogSnapshot> open_log(const LogArguments& arguments);
// report_usage() or report_failure(), as the error has it.
int report(const Error& error);

// Whether such a leaf stands in the log of a time-stamping authority alone.
inline bool is_of_tsa(const audit::Leaf& leaf) {
    return leaf.type.starts_with("tsa.") || leaf.type.starts_with("tsu.");
}

}  // namespace sigillo::audit_tool
