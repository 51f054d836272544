// What anonymous traffic may ask: the CA's certificate, its list of revoked ones, and time stamps. Nothing
// about any client.
#pragma once

#include "appliance/ipc/sam.pb.h"
#include "appliance/issuance/authority.h"
#include "appliance/sigillod/health.h"
#include "appliance/sigillod/tsa.h"

namespace sigillo {

// Thread-safe.
class PublicService {
 public:
    // `tsa`: null where there is none.
    PublicService(issuance::Authority& authority, Health& health, Tsa* tsa)
        : authority_(authority), health_(health), tsa_(tsa) {}
    // `request` outlives the Task.
    Task<sam::PublicResponse> handle(const sam::PublicRequest& request);

 private:
    issuance::Authority& authority_;
    Health& health_;
    Tsa* const tsa_;
};

}  // namespace sigillo
