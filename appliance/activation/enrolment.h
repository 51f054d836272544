// Factors of a signer: enrolled, listed, deleted.
//
// A credential binds the ids of its factors when it is made; a factor enrolled later does not serve it.
// Deleting a factor is allowed even while credentials bind it: it destroys the seed or the PIN's key, those
// credentials can no longer be activated through it, and a key sealed to a deleted PIN is lost for good.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/activation/otp.h"
#include "appliance/activation/pin.h"
#include "appliance/activation/policy.h"
#include "appliance/audit/recorder.h"

namespace sigillo::activation {

struct EnrolmentConfig {
    OtpConfig otp;
    std::size_t factors_per_signer = 32;  // new phones over twenty years; bounds list()
};

struct EnrolRequest {
    const std::string& tenant;
    const ClientId& client;
    const SignerId& signer;
    std::string_view type;   // a policy word
    const SecretBytes& pin;  // type pin only, else empty
};

struct FactorInfo {
    FactorId id;
    std::string type;
    WallTime created;
};

struct EnrolledFactor {
    FactorInfo info;
    SecretBytes otpauth;  // totp, hotp: holds the seed, and is told this once
};

// Thread-safe.
class Enrolment {
 public:
    // All references outlive it.
    Enrolment(EnrolmentConfig config, audit::Ledger& ledger, KeyStore& keys, Pins& pins, Random& random);

    // Everything that is slow (HSM, Argon2): nothing is stored. Errors: kInvalidArgument "type" or "pin",
    // kMissingArgument "pin", kUnsupported "type" (not available yet), kNotFound "signerID" (absent, or
    // another tenant's), and those of KeyStore and Pins.
    struct Prepared {
        EnrolledFactor answer;
        record::Factor factor;
        ClientId client;
    };
    Result<Prepared> prepare(const EnrolRequest& request);

    // Stores what was prepared and logs "factor.enrolled", inside the caller's transaction: whoever keeps the
    // answer for repetitions of the request (sealed beforehand: a transaction must not call the HSM) does it
    // there. kNotFound "signerID", kLimitExceeded "factors".
    Status store(audit::Recorder& recorder, const Prepared& prepared);

    // Both, with something of the caller's inside the same transaction (may be empty).
    using InTransaction = std::function<Status(audit::Recorder&, const EnrolledFactor&)>;
    Result<EnrolledFactor> enrol(const EnrolRequest& request, const InTransaction& in_transaction = {});

    // Without the deleted ones, by id. kNotFound "signerID".
    Result<std::vector<FactorInfo>> list(const std::string& tenant, const SignerId& signer);

    // Destroys seed or PIN key, logs "factor.deleted"; inside the caller's transaction. kNotFound "factorID"
    // or "signerID".
    Status remove(audit::Recorder& recorder, const ClientId& client, const std::string& tenant,
                  const SignerId& signer, const FactorId& factor);
    Status remove(const ClientId& client, const std::string& tenant, const SignerId& signer,
                  const FactorId& factor);

 private:
    const EnrolmentConfig config_;
    audit::Ledger& ledger_;
    KeyStore& keys_;
    Pins& pins_;
    Random& random_;
};

}  // namespace sigillo::activation
