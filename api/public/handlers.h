// The public face: time stamps (RFC 3161 §3.4), and what certificates of the embedded CA point to (AIA, CDP;
// RFC 5280 §4.2.1.13, §4.2.2.1).
#pragma once

#include "api/service.h"

namespace sigillo::api::pki {

void ca_certificate(Call& call);
void crl(Call& call);
void time_stamp(Call& call);
// OCSP (RFC 6960 A.1) by POST, and by GET with the request in the path.
void ocsp_post(Call& call);
void ocsp_get(Call& call);
// The process serves. Says nothing about the appliance: anybody may ask.
void liveness(Call& call);

}  // namespace sigillo::api::pki
