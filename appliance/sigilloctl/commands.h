// One function a noun: adds the noun's sub-commands to the parser. A sub-command that was chosen puts its
// work into context.run. `context` outlives the parser.
#pragma once

#include <CLI/App.hpp>

#include "appliance/sigilloctl/context.h"

namespace sigillo::ctl {

void add_status(CLI::App& app, Context& context);
void add_client(CLI::App& app, Context& context);
void add_signer(CLI::App& app, Context& context);
void add_credential(CLI::App& app, Context& context);
void add_factor(CLI::App& app, Context& context);
void add_evidence(CLI::App& app, Context& context);
void add_tsu(CLI::App& app, Context& context);
void add_log(CLI::App& app, Context& context);
void add_backup(CLI::App& app, Context& context);

}  // namespace sigillo::ctl
