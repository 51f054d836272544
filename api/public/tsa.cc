#include "api/public/handlers.h"
#include "api/time_stamp.h"
#include "tsa/request/time_stamp_request.h"

namespace sigillo::api::pki {
namespace {

// RFC 3161 §3.4. Whatever goes wrong with a time stamp is said in its own words; HTTP's are for HTTP.
Response reply(std::string der) {
    return {.status = 200,
            .content_type = "application/timestamp-reply",
            .body = std::move(der),
            .headers = {{"Cache-Control", "no-store"}}};
}

Response reply(const tsa::TspFailure& failure) {
    return reply(std::string(as_text(tsa::encode_rejection(failure))));
}

}  // namespace

void time_stamp(Call& call) {
    const auto request = tsa::TimeStampRequest::parse(as_bytes(call.request.body), call.services.time_stamps);
    if (!request) {
        call.responder.send(reply(request.error()));
        return;
    }
    sam::PublicRequest question;
    *question.mutable_time_stamp() = to_message(*request);
    call.services.anonymous->call(
        std::move(question), sam::PublicResponse::kTimeStamped,
        [responder = call.responder](Result<sam::PublicResponse> answer) {
            if (answer)
                responder.send(reply(std::move(*answer->mutable_time_stamped()->mutable_response())));
            else
                responder.send(reply({tsa::PkiFailureInfo::kSystemFailure,
                                      answer.error().code == Errc::kUnsupported
                                          ? "this service issues no time stamps"
                                          : "the time-stamping authority is busy or out of service"}));
        });
}

}  // namespace sigillo::api::pki
