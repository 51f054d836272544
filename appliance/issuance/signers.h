// Signers: who they are, kept sealed. Personal data is readable through the HSM only, and erasable; the log
// knows a signer by the opaque id.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"
#include "appliance/base/random.h"
#include "keystore/key_store.h"

namespace sigillo::issuance {

struct SignerLimits {
    std::size_t text_bytes = 256;  // of one name, address or value; names in registers stay below 200
    std::size_t identifiers = 8;   // documents one person is known by
};

struct SignerInfo {
    SignerId id;
    std::string tenant;
    std::string country;
    record::Person person;
    WallTime created{};
};

// Called inside the transaction that creates, so that what it writes (an idempotent answer) stands or falls
// with it.
using OnSignerCreated = std::function<Status(audit::Recorder&, const SignerId&)>;

// Thread-safe.
class Signers {
 public:
    Signers(audit::Ledger& ledger, KeyStore& keys, Random& random, SignerLimits limits)
        : ledger_(ledger), keys_(keys), random_(random), limits_(limits) {}

    // Only names (given and family, or organization) and country are required. kMissingArgument,
    // kInvalidArgument, kLimitExceeded with `field` as /v1 spells it.
    Result<SignerId> create(const std::string& tenant, const ClientId& client, const std::string& country,
                            const record::Person& person, const OnSignerCreated& in_transaction = nullptr);

    // kNotFound for another tenant's. An empty tenant (officers) sees all.
    Result<SignerInfo> get(const std::string& tenant, const SignerId& signer);

    // Ascending by id, after `after` (exclusive), at most `limit`; an empty tenant (officers) lists all. With
    // `external_reference`, those that carry it.
    Result<std::vector<SignerInfo>> list(const std::string& tenant, const std::string& after,
                                         std::size_t limit, const std::string& external_reference = {});

 private:
    Status check(const std::string& country, const record::Person& person) const;
    Result<SignerInfo> open(const std::string& id, const record::Signer& signer);

    audit::Ledger& ledger_;
    KeyStore& keys_;
    Random& random_;
    const SignerLimits limits_;
};

}  // namespace sigillo::issuance
