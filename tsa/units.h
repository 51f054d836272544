// The life of time-stamping units: key made in the token, certificate in, service, retirement, destruction.
//
//   create: pending;  import: ready;  activate, or rotate to it: active;
//   retire, revoke, or rotate from it: retired;  destroy: destroyed
//
// EN 319 421 §7.6: a TSU's key is made in the cryptographic module and used for nothing else; its certificate
// is checked before it serves; it is retired in time and then destroyed. Each change is one store transaction
// with its leaf in the TSA's log, durable before it takes effect; what a crash left between log and token is
// finished by open().
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/logger.h"
#include "appliance/base/random.h"
#include "keystore/token_keys.h"
#include "tsa/certificate_request.h"
#include "tsa/tables.h"
#include "tsa/unit.h"

namespace sigillo::tsa {

struct UnitsConfig {
    // Life of a key whose certificate has no privateKeyUsagePeriod, from its import on. A year: few tokens
    // are affected if it is ever compromised, and the change is practised.
    std::chrono::days key_life{365};
    // How long before its certificate a key ends at least, where the certificate does not say (EN 319 421
    // §7.6.7): the last token must be verifiable for a while without revocation data of an expired
    // certificate.
    std::chrono::days margin{30};
    // Whether housekeep() destroys retired keys whose usage period is over. EN 319 421 §7.6.7.
    bool destroy_when_over = true;
    // Units that are not destroyed. Each active one is looked at by each request.
    std::size_t max_units = 64;
};

struct NewUnit {
    std::string name;  // for people: 1 to 64 printable ASCII characters
    KeyAlgorithm algorithm = KeyAlgorithm::kEcP256;
    UnitSubject subject;
    std::vector<std::string> policies{};  // dotted; empty: all of the TSA's
};

// Who ordered a change, and why, as its leaf tells. Empty: the TSA itself did it.
struct UnitOrder {
    std::string_view officer{};
    std::string_view reason{};
};

struct UnitInfo {
    UnitId id;
    record::Unit record;
    std::uint64_t version = 0;
    std::string trouble;  // why an active unit is not in service, or empty
};

// What every certificate has to pass (appliance/issuance/x509/chain_check.h), handed in by whoever may
// include it: chain in DER, the leaf first; the leaf's key must be `key`.
using ChainCheck = std::function<Status(std::span<const Bytes> chain, const PublicKey& key, WallTime now)>;

// Thread-safe. All references outlive it.
class Units {
 public:
    struct Parts {
        audit::Ledger& ledger;  // of the TSA's store
        TokenKeys& keys;        // token sigillo-tsa
        Random& random;
        Logger& logger;
        ChainCheck check_chain;
    };
    // Finishes what was interrupted, and brings the active units into service. A unit whose key cannot be
    // opened stays out; list() says why. kCorrupt (a record), errors of store and token.
    static Result<std::unique_ptr<Units>> open(UnitsConfig config, Parts parts);

    struct Created {
        UnitId id;
        Bytes request;  // PKCS#10, DER
    };
    // A key on the token, and the request for its certificate. kInvalidArgument (`field`), kLimitExceeded,
    // errors of TokenKeys::create().
    Result<Created> create(const NewUnit& unit, const UnitOrder& order = {});
    // The request anew, for a unit that is pending or ready. kNotFound, kConflict.
    Result<Bytes> request(const UnitId& id);
    // The certificate of a pending unit, or another one of a ready unit. read_unit_certificate()'s and the
    // chain check's refusals (`field` "chain"); also refused: a key period that is over, or that leaves no
    // `margin`.
    Status import(const UnitId& id, std::span<const Bytes> chain, const UnitOrder& order = {});
    // A ready unit serves from now on, beside those that do. kConflict in another state or before its period.
    Status activate(const UnitId& id, const UnitOrder& order = {});
    // `to`, ready, serves from now on, and `from`, active, no more: at one point of the log, with no request
    // refused in between.
    Status rotate(const UnitId& from, const UnitId& to, const UnitOrder& order = {});
    // An active unit serves no more. Its key is kept until destroy().
    Status retire(const UnitId& id, std::string_view reason, std::string_view officer = {});
    // The certificate of a unit in any state is not to be relied on from now on; a unit that serves, or
    // could, serves no more. Tokens made before stay in the log, which names them. `revocation`: the
    // CRLReason as RFC 5280 spells it. The CA's own list is the caller's to change. Doing it again changes
    // nothing. kConflict without a certificate.
    Status revoke(const UnitId& id, std::string_view revocation, const UnitOrder& order = {});
    // The key is gone from the token when this returns. kConflict while active.
    Status destroy(const UnitId& id, const UnitOrder& order = {});
    // Retires units whose key's period is over, and destroys their keys if so configured. To be called now
    // and then: tokens are refused without it too.
    Status housekeep(WallTime now);

    Result<std::vector<UnitInfo>> list() const;
    std::shared_ptr<const UnitSet> in_service() const;

 private:
    Units(const UnitsConfig& config, Parts parts) : config_(config), parts_(std::move(parts)) {}
    using Change = std::function<Status(record::Unit& unit, audit::Event& event)>;
    Status change(const UnitId& id, std::string_view event, const UnitOrder& order, const Change& apply);
    Status make_key(const UnitId& id, KeyAlgorithm algorithm);
    Status take_out(const UnitId& id, const UnitOrder& order);
    Status destroy_key(const UnitId& id, const UnitOrder& order = {});
    Status resume();
    Status reload();
    Result<std::shared_ptr<const TimeStampingUnit>> bring_up(const UnitInfo& info) const;
    std::shared_ptr<const TimeStampingUnit> serving(const UnitId& id) const;
    Result<UnitInfo> find(const UnitId& id) const;
    WallTime now() const { return parts_.ledger.clock().now(); }

    const UnitsConfig config_;
    const Parts parts_;
    mutable std::mutex changing_;  // one change at a time
    mutable std::mutex mutex_;     // guards the next two
    std::shared_ptr<const UnitSet> in_service_ = std::make_shared<UnitSet>();
    std::map<UnitId, std::string> troubles_;
};

}  // namespace sigillo::tsa
