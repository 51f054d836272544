// Credentials: a key pair in the HSM's keeping, its certificate, its activation policy, for one signer.
//
// Life: pending (key made, certificate awaited) → active ⇄ suspended → revoked, or deleted from any of them.
// Every change gives the record a new version, which makes cached keys and grants of before unusable at once.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "appliance/activation/policy.h"
#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"
#include "appliance/base/random.h"
#include "appliance/issuance/authority.h"
#include "appliance/issuance/signers.h"
#include "appliance/issuance/x509/chain_check.h"

namespace sigillo::issuance {

struct CredentialLimits {
    std::uint32_t multisign_default = 100;  // hashes in one activation
    std::uint32_t multisign_most = 1'000;   // bounds a SAD's record to 40 KiB
    activation::PolicyLimits policy;
    ChainLimits chain;
    SubjectLimits subject;
};

struct CreateCredentialRequest {
    std::string tenant;
    ClientId client;
    SignerId signer;
    std::string credential_class;  // simple, advanced, qualified
    std::string key_algorithm;     // EC-P256 …
    std::string policy;            // activation policy
    std::map<std::string, std::string>
        factors;                     // the policy's word -> factor id; missing: the signer's only one
    std::uint32_t multisign = 0;     // 0: the default
    std::string certificate_source;  // embedded, csr
};

struct CreatedCredential {
    CredentialId id;
    Bytes csr;  // DER; source csr only
};

struct CredentialInfo {
    CredentialId id;
    record::Credential record;
    record::CredentialState state;
};

using OnCredentialCreated = std::function<Status(audit::Recorder&, const CreatedCredential&)>;
using OnCredentialChanged = std::function<Status(audit::Recorder&)>;

std::string_view class_name(record::CredentialClass credential_class);  // "simple"
std::string_view status_name(record::CredentialStatus status);          // "active"
// CertificateFacts::serial_hex as bytes: the key of kRevocations.
Result<Bytes> serial_bytes(std::string_view serial_hex);
// CSC's signatureQualifier, or empty: eu_eidas_qes only where an imported certificate's qcStatements claim it
// and an officer vouches for the device.
std::string signature_qualifier(const record::Credential& credential);

// Thread-safe.
class Credentials {
 public:
    struct Parts {
        audit::Ledger& ledger;
        KeyStore& keys;
        Authority& authority;
        Signers& signers;
        const HsmProvider& provider;
        Random& random;
        // Told after a change is durable, with the record's new version: caches forget older ones.
        std::function<void(const CredentialId&, std::uint64_t version)> changed;
        CredentialLimits limits{};
    };
    explicit Credentials(Parts parts) : parts_(std::move(parts)) {}

    // Errors: kMissingArgument, kInvalidArgument, kUnsupported, kLimitExceeded with `field` as /v1 spells it;
    // kNotFound (signerID, factors); kConflict "factors" (the signer has several, or none, of a type and none
    // was named).
    Result<CreatedCredential> create(const CreateCredentialRequest& request,
                                     const OnCredentialCreated& in_transaction = nullptr);

    // The certificate from outside, leaf first; for a pending credential, or to renew an active one's.
    // kInvalidArgument "chain" with what is wrong; kConflict for a source embedded, or a revoked credential.
    Status set_certificate(const std::string& tenant, const ClientId& client, const CredentialId& credential,
                           const std::vector<Bytes>& chain);

    // `status`: active (resume), suspended, revoked. `reason`: free text for the log; a CRLReason's name is
    // used as such. `actor` goes into the log: "client:<id>" or "officer:<name>". An empty tenant is an
    // officer's. Asking for the state that holds already changes nothing. kConflict: revoked is final;
    // what an officer suspended only an officer resumes.
    Status set_status(const std::string& tenant, std::string_view actor, const CredentialId& credential,
                      std::string_view status, const std::string& reason,
                      const OnCredentialChanged& in_transaction = nullptr);

    // An officer's word that the key's device is a QSCD; `reason`, unless empty, goes into the log with it.
    Status set_qscd(std::string_view actor, const CredentialId& credential, bool qscd,
                    std::string_view reason);

    // Destroys the wrapped key; an embedded certificate is revoked with it.
    Status remove(const std::string& tenant, const ClientId& client, const CredentialId& credential);

    // kNotFound for another tenant's and deleted ones; an empty tenant (officers) sees all.
    Result<CredentialInfo> get(const std::string& tenant, const CredentialId& credential);
    // Of one signer, or of the tenant when `signer` is empty; ascending by id after `after`, at most `limit`.
    Result<std::vector<CredentialInfo>> list(const std::string& tenant, const std::string& signer,
                                             const std::string& after, std::size_t limit, bool only_valid);

 private:
    struct Plan;
    Result<Plan> plan(const CreateCredentialRequest& request);
    Status bind_factors(ReadTransaction& txn, const CreateCredentialRequest& request, Plan& plan);
    Status certify(Plan& plan, const GeneratedKey& key, CreatedCredential& answer);
    Result<Record<record::Credential>> own(ReadTransaction& txn, const std::string& tenant,
                                           const CredentialId& credential);

    const Parts parts_;
};

}  // namespace sigillo::issuance
