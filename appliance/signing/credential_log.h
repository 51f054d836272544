// The chain of a credential's own log entries: each Intent and Outcome carries the credential's running `seq`
// and the log index of the one before, so that a reader of the log sees that no use is missing.
#pragma once

#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"

namespace sigillo::signing {

// Adds "credential", "seq" and "prev" to `event`, appends it, and saves the credential's state with the new
// seq and index. The state's version is part of the event. Returns the entry's index.
Result<std::uint64_t> append_to_credential(audit::Recorder& recorder, const CredentialId& credential,
                                           audit::Event event);

}  // namespace sigillo::signing
