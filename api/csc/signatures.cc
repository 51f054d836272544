#include "api/csc/answer.h"
#include "api/csc/documents.h"
#include "api/csc/encode.h"
#include "api/csc/handlers.h"
#include "api/csc/sign_doc.h"
#include "api/documents/service.h"
#include "api/json/writer.h"
#include "appliance/base/encoding.h"
#include "tsa/request/response.h"

namespace sigillo::api::csc {
namespace {

// What a rejection is in CSC's words.
Response refused(std::string_view failure_name) {
    using tsa::PkiFailureInfo;
    const auto is = [&](PkiFailureInfo info) { return failure_name == tsa::failure_name(info); };
    if (is(PkiFailureInfo::kTimeNotAvailable)) return to_response(from_error({Errc::kClockUntrusted, {}}));
    if (is(PkiFailureInfo::kSystemFailure)) return to_response(from_error({Errc::kUnavailable, {}}));
    if (is(PkiFailureInfo::kBadAlg)) return to_response(invalid("hashAlgo"));
    return to_response(invalid("nonce"));  // all else has been checked
}

Response stamped(const sam::TimeStamped& answer) {
    if (!answer.failure().empty()) return refused(answer.failure());
    const auto token = tsa::token_of(as_bytes(answer.response()));
    if (!token) return to_response(from_error(token.error()));
    json::Writer out;
    out.begin_object().member("timestamp", base64_encode(*token)).end_object();
    return json_response(200, out.take());
}

// Without the documents' part there is nowhere for results to wait.
Outcome<std::optional<AsyncOrder>> how_to_answer(const Call& call, const json::Object& body) {
    const documents::Service* service = call.services.documents;
    auto mode = decode_mode(body, service != nullptr ? service->config().sign_doc.async : AsyncLimits{});
    if (mode && *mode && service == nullptr) return std::unexpected(invalid("operationMode"));
    return mode;
}

void sign(SigningSam& sam, sam::SigningRequest question, Answering answer) {
    sam.call(std::move(question), sam::SigningResponse::kSignatures,
             [answer = std::move(answer)](const Result<sam::SigningResponse>& made) {
                 answer(made ? json_response(200, encode_signatures(made->signatures()))
                             : to_response(from_error(made.error())));
             });
}

}  // namespace

void signatures_sign_hash(Call& call) {
    const auto body = decode_body(call.request.body);
    if (!body) return call.responder.send(to_response(body.error()));
    auto request = decode_sign_hash(*body, call.services.limits);
    if (!request) return call.responder.send(to_response(request.error()));
    const auto mode = how_to_answer(call, *body);
    if (!mode) return call.responder.send(to_response(mode.error()));
    auto question = call.ask();
    *question.mutable_sign_hash() = std::move(*request);
    if (!*mode) {
        sign(*call.services.signing, std::move(question),
             [responder = call.responder](Response response) { responder.send(std::move(response)); });
        return;
    }
    // It may go on elsewhere than on this reactor, whose connection to sigillod is its own.
    documents::Service& service = *call.services.documents;
    with_answer({service, call.responder, call.client.spki_sha256(), *mode},
                [&service, question = std::move(question)](const Answering& answer) {
                    sign(service.tools().sam, question, answer);
                });
}

void signatures_timestamp(Call& call) {
    auto request = decode_or_refuse(call, decode_time_stamp);
    if (!request) return;
    auto question = call.ask();
    *question.mutable_time_stamp() = std::move(*request);
    call.services.signing->call(std::move(question), sam::SigningResponse::kTimeStamped,
                                [responder = call.responder](Result<sam::SigningResponse> answer) {
                                    responder.send(answer ? stamped(answer->time_stamped())
                                                          : to_response(from_error(answer.error())));
                                });
}

}  // namespace sigillo::api::csc
