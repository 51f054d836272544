// authorize and extendTransaction: from what a signer shows to a SAD.
//
// Everything is decided here, in the trusted process: which factors the credential's policy asks for, whether
// they were right, for which hashes. One answer is given however many factors failed, and a right OTP is
// spent even when another factor fails. authorize is not idempotent: a lost answer costs a new OTP.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "appliance/activation/click.h"
#include "appliance/activation/evidence.h"
#include "appliance/activation/lockout.h"
#include "appliance/activation/otp.h"
#include "appliance/activation/pin.h"
#include "appliance/activation/policy.h"
#include "appliance/activation/refusal_log.h"
#include "appliance/activation/sad.h"
#include "appliance/audit/recorder.h"
#include "appliance/base/logger.h"

namespace sigillo::activation {

struct ActivatorConfig {
    ClickConfig click;
    LockoutConfig lockout;
    std::chrono::days evidence_retention = kTwentyYears;  // EvidenceKeeper
    std::uint32_t drift_steps = 1;                        // OtpConfig
    std::uint32_t look_ahead = 10;                        // OtpConfig
    std::size_t hashes_limit = 1'000;                     // multisign goes no higher
    std::size_t text_limit = 4'096;                       // bytes each of description and clientData
};

// One entry of CSC's authData.
struct AuthDatum {
    std::string id;  // a word of the policy
    SecretBytes value;
};

struct AuthorizeRequest {
    ClientId client;
    std::string tenant;  // the client's
    CredentialId credential;
    record::HashType hash_type = record::HASH_TYPE_UNSPECIFIED;
    HashAlgorithm hash_algorithm = HashAlgorithm::kSha256;
    std::vector<Digest> hashes;
    std::vector<AuthDatum> auth_data;
    std::string description;  // shown to the signer by the client; evidence
    std::string client_data;  // the client's own; evidence
};

struct ExtendRequest {
    ClientId client;
    std::string tenant;
    CredentialId credential;
    SecretBytes sad;
    record::HashType hash_type = record::HASH_TYPE_UNSPECIFIED;
    HashAlgorithm hash_algorithm = HashAlgorithm::kSha256;
    std::vector<Digest> hashes;
};

struct Authorization {
    SecretBytes sad;  // base64url text
    std::chrono::seconds expires_in{0};
};

struct ChangePinRequest {
    ClientId client;
    std::string tenant;
    SignerId signer;
    FactorId factor;
    SecretBytes old_pin;
    SecretBytes new_pin;
};

struct ActivationMetrics {
    std::uint64_t granted = 0;
    std::uint64_t extended = 0;
    std::uint64_t refused = 0;   // all refusals that touched a credential
    std::uint64_t unlogged = 0;  // those that the bounded log only counts
};

// Thread-safe. What returns a Task gives its thread back while the store works; requests outlive it.
class Activator {
 public:
    // All references outlive it.
    struct Parts {
        audit::Ledger& ledger;
        KeyStore& keys;
        Pins& pins;
        const Sads& sads;
        RefusalLog& refusals;
        Random& random;
        // kClockUntrusted while no factor may be accepted (clock_monitor.h, or a TimeSource).
        std::function<Status()> clock_check;
    };
    Activator(ActivatorConfig config, Parts parts);

    // Errors. The request: kInvalidArgument "hashes" (none, one twice, another algorithm's), "hashType",
    // "authData" (an id that is no word of the policy, or twice), "description", "clientData"; kLimitExceeded
    // "numSignatures" (more hashes than multisign), "description", "clientData". The credential: kNotFound
    // "credentialID" (absent, deleted, or another tenant's), kDisabled, kExpired, kLocked. The client:
    // kForbidden (removed), kLimitExceeded "failures" (its budget of wrong factors). The factors: kOtpInvalid
    // when only OTPs could be wrong, else kAuthenticationFailed. The appliance: kClockUntrusted,
    // kUnavailable, and those of Store and KeyStore.
    Task<Result<Authorization>> authorize(const AuthorizeRequest& request);

    // Errors: those of Sads::extend(), and of client and credential as above.
    Task<Result<Authorization>> extend(const ExtendRequest& request);

    // Another PIN for a factor: keys that are sealed to it stay sealed to it, SADs that it yielded stay
    // valid. The old PIN is tried under the counts that activations use, so this is no way around them.
    // Errors: kInvalidArgument "new" (not acceptable, or the old one), kNotFound "factorID" (absent, deleted,
    // or not this signer's), kConflict "factorID" (no PIN), kForbidden, kLocked, kLimitExceeded "failures",
    // kAuthenticationFailed (wrong old PIN), kClockUntrusted, kUnavailable, and those of Store and KeyStore.
    struct ChangePinHooks {
        // Nobody else is at the factor now; an error ends the change, uncounted.
        std::function<Status()> before;
        // In the transaction that changes the PIN.
        std::function<Status(audit::Recorder&)> inside;
    };
    Status change_pin(const ChangePinRequest& request, const ChangePinHooks& hooks = {});

    ActivationMetrics metrics() const;
    const Lockout& lockout() const { return lockout_; }  // for officers: Lockout::unlock()

 private:
    struct Situation;   // what was read before the factors were looked at
    struct Evaluation;  // what came of looking
    Status check_request(const AuthorizeRequest& request) const;
    Result<Situation> survey(const AuthorizeRequest& request);
    Task<Result<Reservation>> reserve(const AuthorizeRequest& request, const Situation& situation);
    Result<Evaluation> evaluate(const AuthorizeRequest& request, const Situation& situation);
    Task<Result<Authorization>> decide(const AuthorizeRequest& request, const Situation& situation,
                                       const Evaluation& evaluation, const Reservation* reservation);
    Task<Status> release(const AuthorizeRequest& request, const Situation& situation,
                         const Reservation& reservation, Errc reason);
    // Logs a refusal that touched the credential, and hands the error on.
    std::unexpected<Error> refuse(const CredentialId& credential, const ClientId& client, Error error);
    // The same where the credential has not been looked at yet: it may be another tenant's.
    template <class Request>
    std::unexpected<Error> refuse_unseen(const Request& request, Error error);

    const ActivatorConfig config_;
    Parts parts_;
    const Clock& clock_;
    const Lockout lockout_;
    AttemptGate gate_;
    const EvidenceKeeper evidence_;
    std::atomic<std::uint64_t> granted_{0};
    std::atomic<std::uint64_t> extended_{0};
    std::atomic<std::uint64_t> refused_{0};
};

}  // namespace sigillo::activation
