// Placeholders in the lines of a visible signature. Pure functions.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/result.h"

namespace sigillo::pdf {

using Words = std::map<std::string, std::string, std::less<>>;

// The lines with {key} replaced by words[key]; "{{" is a brace. A line with a word that is empty is left out.
// kInvalidArgument (field "text"): a brace that is not closed, or a key that there is not.
Result<std::vector<std::string>> fill_in(const std::vector<std::string>& lines, const Words& words);

}  // namespace sigillo::pdf
