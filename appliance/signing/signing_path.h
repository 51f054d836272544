// The signing path. Read sign() in signing_path.cc: it is the product.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "appliance/activation/refusal_log.h"
#include "appliance/activation/sad.h"
#include "appliance/audit/recorder.h"
#include "appliance/base/logger.h"
#include "appliance/signing/check_step.h"
#include "appliance/signing/in_flight.h"
#include "appliance/signing/key_vault.h"
#include "appliance/signing/outcome.h"
#include "appliance/signing/request.h"
#include "appliance/signing/steps.h"

namespace sigillo::signing {

struct SigningMetrics {
    std::uint64_t signatures = 0;  // answered, retries not counted again
    std::uint64_t failures = 0;    // Outcomes other than signed
    std::uint64_t refusals = 0;
    std::size_t unsettled = 0;  // Outcomes that wait for room in the store
    std::size_t cached_keys = 0;
};

// Thread-safe. sign() gives its thread back while the store works; the HSM, and an identical call before it,
// it waits for. All references outlive it, requests their Task.
class SigningPath {
 public:
    struct Parts {
        audit::Ledger& ledger;
        KeyVault& vault;
        const activation::Sads& sads;
        activation::RefusalLog& refusals;
        Logger& logger;
        SigningLimits limits{};
        StepObserver* observer = nullptr;
        // kClockUntrusted while no signing-time may be said (activation/clock_monitor.h). None: always
        // trusted.
        std::function<Status()> clock_check{};
    };
    explicit SigningPath(Parts parts)
        : parts_(std::move(parts)), in_flight_(parts_.limits.turn_waiters, parts_.limits.turn_patience) {}

    // Signatures in the order of the hashes, ECDSA as DER, and for documents the SignedAttributes that were
    // signed. When they are returned, Intent and Outcome are durable. Errors, each with nothing signed unless
    // said:
    //   kNotFound, kDisabled, kExpired, kInvalidArgument, kMissingArgument, kLimitExceeded (check_step.h);
    //   kSadInvalid, kSadExpired, kHashNotAuthorized (activation/sad.h); kForbidden (client gone);
    //   kOutcomeUnknown (a signature may exist; it is not answered, ever); kUnavailable, kStorageFull: try
    //   again later; kHsmRefused (hashes given back), kHsmFailed (they stay spent).
    // Of documents besides: kClockUntrusted; kConflict "credentialID" (the certificate was renewed meanwhile,
    // or since the call that this one retries).
    Task<Result<Signed>> sign(const SignRequest& request);

    // Writes the Outcomes that the store refused before. Called by housekeeping and by retries.
    void settle();

    SigningMetrics metrics() const;

 private:
    struct Checked;  // what step 2 found
    Result<Checked> check(const SignRequest& request, ByteView call_key);
    Task<Result<Signed>> sign_in_turn(const SignRequest& request, ByteView call_key);
    Status settle_call(ByteView call_key);
    KeyVault::Redeemed redeem(SigningGrant grant, SignatureScheme scheme,
                              const std::vector<Digest>& digests) noexcept;
    Task<Result<Signed>> conclude(Outcome outcome, KeyVault::Redeemed made);
    void reached(Step step) {
        if (parts_.observer != nullptr) parts_.observer->reached(step);
    }

    const Parts parts_;
    InFlight in_flight_;
    std::mutex settling_;
    mutable std::mutex mutex_;
    std::vector<Outcome> unsettled_;  // guarded by mutex_, as is the one below
    SigningMetrics counts_;
};

}  // namespace sigillo::signing
