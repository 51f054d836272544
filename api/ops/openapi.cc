#include "api/openapi_text.h"
#include "api/ops/handlers.h"

namespace sigillo::api::ops {

void openapi(Call& call) {
    call.responder.send({.status = 200,
                         .content_type = "application/yaml",
                         .body = std::string(openapi_text()),
                         .headers = {{"Cache-Control", "max-age=300"}}});
}

}  // namespace sigillo::api::ops
