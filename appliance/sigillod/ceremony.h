// `sigillod ceremony`: from an empty token to an appliance that can start.
#pragma once

#include <filesystem>

#include "appliance/base/logger.h"
#include "appliance/base/result.h"
#include "appliance/sigillod/config.h"

namespace sigillo {

// Initialises the token if none of its name exists (`so_pin_file` is needed then), makes the role keys, the
// store, the CA's certificate and the log's first entry; prints minutes of what was made on standard output.
// Doing it again changes nothing. The token's files are durable before it says so.
Status hold_ceremony(const DaemonConfig& config, const std::filesystem::path& so_pin_file, Logger& logger);

}  // namespace sigillo
