// How sigillo-api hands a prepared document to sigillod: the deposit socket of sam.proto.
#pragma once

#include <chrono>
#include <string>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo::ipc {

struct DepositReceipt {
    Bytes deposit;  // what PreparedRevision.deposit of SignDocuments names
    std::chrono::seconds expires_in{0};
};

// Leaves `fd`, which must be sealed (sealed_memory.h), with sigillod; the descriptor stays the caller's. One
// short conversation on a connection of its own: about a tenth of a millisecond. Errors: sigillod's own -
// kInvalidArgument "deposit" (not sealed, empty), kLimitExceeded "deposit" (too large), kUnavailable (too
// many are waiting: try again later) - and kUnavailable when nobody answers within `patience`. Thread-safe.
Result<DepositReceipt> deposit(const std::string& socket_path, int fd, std::chrono::milliseconds patience);

}  // namespace sigillo::ipc
