// The program's version, as `sigilloctl status` shows it.
#pragma once

namespace sigillo {
inline constexpr const char* kVersion = "0.1.0";
}  // namespace sigillo
