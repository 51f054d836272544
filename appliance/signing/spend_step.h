// Step 3: in one store transaction the permission is spent and the Intent written; a grant comes back.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "appliance/activation/sad.h"
#include "appliance/audit/recorder.h"
#include "appliance/signing/check_step.h"
#include "appliance/signing/grant.h"
#include "appliance/signing/to_be_signed.h"

namespace sigillo::signing {

class SpendStep {
 public:
    struct Spent {
        // One of the two: a grant for the key, or the signatures of an identical call that got ahead.
        std::optional<SigningGrant> grant;
        activation::SpentSad sad;  // with a grant
        Signed stored;
    };

    struct Call {
        const SignRequest& request;
        ByteView key;  // SHA-256(SAD) ‖ request digest
        std::chrono::days uses_retention;
        const ToBeSigned& signs;
    };
    // Everything is read again inside the transaction, because the world may have moved since step 2: client,
    // signer, credential, certificate (for documents still the one that their attributes name), SAD. All that
    // is written becomes durable, or nothing. Errors: kForbidden (client gone), kConflict (another
    // certificate), kNotFound, kDisabled, kExpired, kSad*, kHashNotAuthorized, kOutcomeUnknown, kCorrupt, and
    // the store's.
    static Task<Result<Spent>> run(audit::Ledger& ledger, const activation::Sads& sads, const Call& call);
};

}  // namespace sigillo::signing
