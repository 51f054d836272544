// What anonymous traffic may ask: the CA's certificate and its list of revoked ones. Nothing about any
// client.
#pragma once

#include "appliance/ipc/sam.pb.h"
#include "appliance/issuance/authority.h"
#include "appliance/sigillod/health.h"

namespace sigillo {

// Thread-safe; handle() blocks its thread.
class PublicService {
 public:
    PublicService(issuance::Authority& authority, Health& health) : authority_(authority), health_(health) {}
    sam::PublicResponse handle(const sam::PublicRequest& request);

 private:
    issuance::Authority& authority_;
    Health& health_;
};

}  // namespace sigillo
