// How an entry of the store is named in errors and logs: "credentials/4f1a…".
// Pure function; safe from any thread.
#pragma once

#include <string>

#include "appliance/store/store.h"

namespace sigillo {

// space/key; a key that is not wholly letters, digits, '-', '_' and '.' is shown as 0x and hex digits.
std::string place_of(Space space, ByteView key);

}  // namespace sigillo
