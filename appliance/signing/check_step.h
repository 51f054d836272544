// Steps 1 and 2: does what was asked fit the credential? Reads only.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "appliance/activation/standing.h"
#include "appliance/audit/recorder.h"
#include "appliance/signing/request.h"

namespace sigillo::signing {

struct SigningLimits {
    // Hashes in one call. One Intent carries them all, and a leaf of the log holds 65,535 bytes.
    std::size_t hashes_per_call = 256;
    // Documents in one call: an Intent carries three digests of each, of up to 64 bytes, in base64.
    std::size_t documents_per_call = 200;
    // How long a call's signatures answer its retries.
    std::chrono::hours retry_window{24};
    // How long a retry waits for the identical call before it.
    std::chrono::milliseconds turn_patience{20'000};
    // How many retries of one call wait so at once; each holds a thread of its client's share.
    std::size_t turn_waiters = 32;
    // How long `uses` tells of a use. The log tells of it for ever.
    std::chrono::days uses_retention{7'305};
    // Outcomes that wait for room in the store before new uses are refused.
    std::size_t unsettled_limit = 1024;
};

// The credential, never null, if it is the client's tenant's: kNotFound otherwise, as if it did not exist.
Result<SharedRecord<record::Credential>> own_credential(ReadTransaction& txn, const RecordCodec& codec,
                                                        const SignRequest& request);

// Whether the request fits the credential's key and the limits: kInvalidArgument (`field` signAlgo or hash),
// kLimitExceeded (`field` hash, for documents documents), kMissingArgument.
Status check_request(const SignRequest& request, const record::Credential& credential,
                     const SigningLimits& limits);

// What a call yields.
struct Signed {
    std::vector<Bytes> signatures;         // in the order of the request's hashes
    std::vector<Bytes> signed_attributes;  // of documents: DER, SET OF, as they were signed
    std::vector<Bytes> chain;  // of documents: DER, the certificate first that the attributes name
};

// Signatures of an earlier identical call; nothing when there was none or it gave its hashes back;
// kOutcomeUnknown when a crash hid its outcome.
Result<std::optional<Signed>> stored_signatures(ReadTransaction& txn, const RecordCodec& codec,
                                                ByteView call_key);

}  // namespace sigillo::signing
