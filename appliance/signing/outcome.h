// Step 6: what came of a use, in the log and in the rows that retries and `uses` read.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "appliance/activation/sad.h"
#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"

namespace sigillo::signing {

enum class UseResult : std::uint8_t {
    kSigned,   // signatures made, verified, kept for retries
    kFailed,   // the HSM definitely made none that left it: the hashes are given back
    kUnknown,  // it may have, or did for some: the hashes stay spent
};

struct Outcome {
    UseResult result = UseResult::kUnknown;
    std::string client;  // in whose name it waits for its turn; empty at start
    CredentialId credential;
    std::uint64_t intent_index = 0;
    std::uint64_t intent_epoch = 0;        // of the log that has the Intent; 0: the one that is written
    Bytes call_key;                        // sad_key() ‖ request digest
    activation::SpentSad sad;              // kFailed: what is given back,
    std::vector<Digest> hashes;            // for these
    std::vector<Bytes> signatures;         // kSigned only, in the order of the hashes
    std::vector<Bytes> signed_attributes;  // kSigned only, of documents
    std::uint64_t made = 0;  // signatures that the HSM made before it failed, and that nobody gets
    std::string error;       // Errc name, otherwise
};

// Durable at its end. `retry_window`: how long the signatures answer retries.
Task<Status> write_outcome(audit::Ledger& ledger, const activation::Sads& sads, const Outcome& outcome,
                           std::chrono::hours retry_window);

}  // namespace sigillo::signing
