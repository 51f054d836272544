// Codes of countries, as names in certificates have them.
#pragma once

#include <string_view>

#include "appliance/base/result.h"

namespace sigillo {

// Officially assigned in ISO 3166-1 alpha-2, or XK, which the Union uses for Kosovo: what X.520 §6.3.1 and EN
// 319 412-1 §5.1.3 want in countryName and in semantic identifiers.
bool is_country(std::string_view code);

// The refusal of such a code: kInvalidArgument, `field` "country".
Error no_country(std::string_view code);

}  // namespace sigillo
