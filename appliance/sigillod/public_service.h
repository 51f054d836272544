// What anonymous traffic may ask: the CA's certificate, its list of revoked ones, OCSP and time stamps.
// Nothing about any client.
#pragma once

#include "appliance/ipc/sam.pb.h"
#include "appliance/issuance/authority.h"
#include "appliance/issuance/ocsp_responder.h"
#include "appliance/sigillod/health.h"
#include "appliance/sigillod/tsa.h"

namespace sigillo {

// Thread-safe.
class PublicService {
 public:
    // `tsa`: null where there is none.
    PublicService(issuance::Authority& authority, issuance::OcspResponder& ocsp,
                  const ocsp::RequestLimits& ocsp_limits, Health& health, Tsa* tsa)
        : authority_(authority), ocsp_(ocsp), ocsp_limits_(ocsp_limits), health_(health), tsa_(tsa) {}
    // `request` outlives the Task.
    Task<sam::PublicResponse> handle(const sam::PublicRequest& request);

 private:
    issuance::Authority& authority_;
    issuance::OcspResponder& ocsp_;
    const ocsp::RequestLimits ocsp_limits_;
    Health& health_;
    Tsa* const tsa_;
};

}  // namespace sigillo
