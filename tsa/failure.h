// What an Error inside the TSA is to a client: the one place of this mapping (DESIGN §9).
// Pure function; safe from any thread.
#pragma once

#include "appliance/base/result.h"
#include "tsa/request/response.h"

namespace sigillo::tsa {

// kClockUntrusted → timeNotAvailable; everything else → systemFailure, with a text that tells a full disk
// from a busy appliance from a unit that is missing, and nothing more. What a request itself can be refused
// for never becomes an Error: it is a TspFailure from the start.
TspFailure failure_of(const Error& error);

}  // namespace sigillo::tsa
