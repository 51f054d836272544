// The openssl command line, as an independent reader of what the appliance emits.
#pragma once

#include <string>
#include <vector>

#include "appliance/base/bytes.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::testing {

struct CommandResult {
    int exit_code = -1;
    std::string output;  // standard output and standard error together
};

// Runs `openssl arguments…` with no shell between. Throws std::runtime_error when it cannot be started.
CommandResult openssl(const std::vector<std::string>& arguments);

// Writes `der` as PEM (`label`: "CERTIFICATE", "X509 CRL", "CERTIFICATE REQUEST") into `directory`; its path.
std::string write_pem(const ScratchDirectory& directory, const std::string& name, const std::string& label,
                      ByteView der);

}  // namespace sigillo::testing
