// api/openapi.yaml, built into the program.
#pragma once

#include <string_view>

namespace sigillo::api {

std::string_view openapi_text();

}  // namespace sigillo::api
