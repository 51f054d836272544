#include "api/json/writer.h"
#include "api/public/handlers.h"
#include "api/v1/problem.h"

namespace sigillo::api::pki {
namespace {

// Long enough to spare sigillod a crowd, short enough that a revocation shows within a minute.
constexpr std::string_view kCache = "public, max-age=60";

void fetch(Call& call, sam::PublicRequest question, std::string_view content_type) {
    call.services.anonymous->call(
        std::move(question), sam::PublicResponse::kDocument,
        [responder = call.responder, content_type](Result<sam::PublicResponse> answer) {
            if (!answer) {
                responder.send(v1::to_response(v1::from_error(answer.error())));
                return;
            }
            responder.send({.status = 200,
                            .content_type = std::string(content_type),
                            .body = answer->document().der(),
                            .headers = {{"Cache-Control", std::string(kCache)}}});
        });
}

}  // namespace

void ca_certificate(Call& call) {
    sam::PublicRequest question;
    question.mutable_get_ca_certificate();
    fetch(call, std::move(question), "application/pkix-cert");
}

void crl(Call& call) {
    sam::PublicRequest question;
    question.mutable_get_crl();
    fetch(call, std::move(question), "application/pkix-crl");
}

void liveness(Call& call) {
    json::Writer out;
    out.begin_object().member("state", "ok").end_object();
    call.responder.send(json_response(200, out.take()));
}

}  // namespace sigillo::api::pki
