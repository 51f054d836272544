// OCSP between the sockets' messages and the responder. Thread-safe; the responder outlives it.
#pragma once

#include "appliance/ipc/sam.pb.h"
#include "appliance/issuance/ocsp_responder.h"
#include "appliance/sigillod/health.h"

namespace sigillo {

// Never fails: what is wrong is an OCSPResponse too. `may_ask_fresh`: whether the peer may have an answer
// signed that is at hand already.
sam::OcspAnswer answer_ocsp(issuance::OcspResponder& responder, const ocsp::RequestLimits& limits,
                            const sam::Ocsp& question, bool may_ask_fresh);

void watch_ocsp(Health& health, const issuance::OcspResponder& responder);

}  // namespace sigillo
