// The parts of the noun tsu, each in a file of its own.
#pragma once

#include <CLI/App.hpp>

#include "appliance/sigilloctl/context.h"

namespace sigillo::ctl {

void add_tsu_making(CLI::App& noun, Context& context);  // tsu_create.cc
void add_tsu_orders(CLI::App& noun, Context& context);  // tsu_orders.cc

}  // namespace sigillo::ctl
