// What operators and tools read: health, metrics, the description of the API.
#pragma once

#include "api/service.h"

namespace sigillo::api::ops {

// 200 while the appliance signs, degraded or not; 503 when it cannot. The body says what and why.
void health(Call& call);
// Prometheus text: our own counters, and sigillod's while it can be reached.
void metrics(Call& call);
void openapi(Call& call);

}  // namespace sigillo::api::ops
