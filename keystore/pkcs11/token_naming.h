// The label and the module that a token's URI names: what initialising a token needs. No Cryptoki in this
// header.
#pragma once

#include <filesystem>
#include <string>

#include "appliance/base/result.h"

namespace sigillo {

struct TokenNaming {
    std::filesystem::path module_path;  // absolute
    std::string label;                  // 1 to 32 bytes
};

// kInvalidArgument (`field` "token_uri") as in Pkcs11Config, or when the URI names no token label.
// Thread-safe.
Result<TokenNaming> naming_of(const std::string& token_uri);

}  // namespace sigillo
