// Idempotency-Key: the same request again within a day gets the same answer, and changes nothing a second
// time.
//
// The answer is stored inside the transaction that makes the change, so that there is never one without the
// other. It may hold an OTP's seed: it is sealed under a key derived for this alone.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"
#include "appliance/base/random.h"
#include "appliance/base/secret.h"

namespace sigillo {

// One request's use of a key. Thread-safe only as one request is: used by one thread.
class Idempotency {
 public:
    // `request`: what the client asked, without what differs between repetitions (request ids). An empty key
    // makes every call below a no-op.
    Idempotency(audit::Ledger& ledger, Random& random, const ClientId& client, const std::string& key,
                ByteView request);

    // The answer given before, or nothing. kConflict "Idempotency-Key": the key was used for another request.
    Result<std::optional<SecretBytes>> earlier_answer();
    // kAlreadyExists: a concurrent repetition was faster; ask earlier_answer() once more.
    Status remember(audit::Recorder& recorder, ByteView answer);

 private:
    audit::Ledger& ledger_;
    Random& random_;
    Bytes row_;  // empty: no key was given
    Bytes request_digest_;
    SecretBytes sealing_key_;
};

}  // namespace sigillo
