// A time-stamping unit's certificate is revoked in two stores: the unit's, which then serves no more
// ("tsu.revoked" in the TSA's log), and the embedded CA's, whose list carries it from then on
// ("ca.unit_revoked" in the signing log). In this order, so that no token follows the date on the list; what
// a crash, or a restore of one of the two, left in between is made good at the next start.
#pragma once

#include "appliance/issuance/authority.h"
#include "appliance/sigillod/officer_order.h"
#include "tsa/units.h"

namespace sigillo {

// Thread-safe; calls block their thread. References outlive it.
class TsuRevocation {
 public:
    TsuRevocation(tsa::Units& units, issuance::Authority& authority, audit::Ledger& signing_log)
        : units_(units), authority_(authority), signing_log_(signing_log) {}

    // `revocation`: a CRLReason by its name in RFC 5280; certificateHold is refused (kInvalidArgument,
    // `field` "revocation"), for a token's time could not be told from one within the hold. Doing it again
    // changes nothing. Another CA's certificate: the unit stops, the list is that CA's to change. Errors of
    // Units::revoke() and the store.
    Status revoke(const OfficerOrder& order, const tsa::UnitId& id, std::string_view revocation);
    // Before anything is served: revoked in one of the two stores is revoked in both.
    Status reconcile();
    // Whether the embedded CA's list carries the unit's certificate.
    Result<bool> is_listed(const tsa::record::Unit& unit) const;

 private:
    Result<tsa::record::Unit> find(const tsa::UnitId& id) const;
    Result<std::optional<RevocationReason>> listed(const tsa::record::Unit& unit) const;
    Status put_on_list(const OfficerOrder& order, const tsa::UnitId& id, const tsa::record::Unit& unit);

    tsa::Units& units_;
    issuance::Authority& authority_;
    audit::Ledger& signing_log_;
};

}  // namespace sigillo
