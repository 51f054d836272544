#include "api/csc/answer.h"
#include "api/csc/encode.h"
#include "api/csc/handlers.h"

namespace sigillo::api::csc {

void info(Call& call) {
    // A GET has no body; clients of v1 send one.
    if (decode_or_refuse(call, decode_service_info, true))
        call.responder.send(
            json_response(200, encode_service_info(call.services.info, call.services.documents != nullptr)));
}

}  // namespace sigillo::api::csc
