// What security officers may order of the TSA: units, and a look at how it feels.
#pragma once

#include "appliance/ipc/sam.pb.h"
#include "appliance/issuance/authority.h"
#include "appliance/issuance/issued_certificates.h"
#include "appliance/sigillod/officer_order.h"
#include "appliance/sigillod/tsa.h"
#include "appliance/sigillod/tsu_revocation.h"

namespace sigillo {

// Thread-safe; calls block their thread. References outlive it.
class TsaOrders {
 public:
    // `signing_log`: where the embedded CA's work is logged. `tsa` may be null: then everything is
    // kUnsupported.
    TsaOrders(Tsa* tsa, issuance::Authority& authority, audit::Ledger& signing_log)
        : tsa_(tsa), authority_(authority), signing_log_(signing_log) {}

    // Before anything is served: what TsuRevocation::reconcile() does.
    Status reconcile();

    // Whether `request` is one of the TSA's.
    static bool takes(const sam::AdminRequest& request);
    Result<sam::AdminResponse> carry_out(const OfficerOrder& order, const sam::AdminRequest& request);
    // Units' certificates of the embedded CA: for the list of what it issued (issued_certificates.h).
    Result<std::vector<issuance::EarlierCertificate>> certificates_of_embedded_ca();

 private:
    using Answer = Result<sam::AdminResponse>;
    Answer list();
    Answer create(const OfficerOrder& order, const sam::TsuCreate& body);
    Answer import(const OfficerOrder& order, const sam::TsuImport& body);
    Answer show(const tsa::UnitId& id);
    Result<sam::Tsu> unit(const tsa::UnitId& id);
    Result<sam::Tsu> to_message(const tsa::UnitInfo& info);
    TsuRevocation revocation() { return {tsa_->units(), authority_, signing_log_}; }
    Status certify(const OfficerOrder& order, const tsa::UnitId& id);

    Tsa* const tsa_;
    issuance::Authority& authority_;
    audit::Ledger& signing_log_;
};

}  // namespace sigillo
