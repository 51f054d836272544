// How units are shown: JSON, lines, and the request for a certificate.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "appliance/ipc/sam.pb.h"
#include "appliance/sigilloctl/context.h"

namespace sigillo::ctl {

nlohmann::json json_of(const sam::Tsu& unit);
// The unit of an answer, as the context wants it.
Status show_unit(const Context& context, const sam::AdminResponse& response);
// A unit with the request for its certificate, which goes into the file `csr_path` (PEM), or is printed where
// that is empty. Errors of the file.
Status print_created(const Context& context, const sam::TsuCreated& created, const std::string& csr_path);

}  // namespace sigillo::ctl
