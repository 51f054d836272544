#include "api/csc/answer.h"
#include "api/csc/encode.h"
#include "api/csc/handlers.h"
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

}  // namespace

void signatures_sign_hash(Call& call) {
    auto request = decode_or_refuse(call, decode_sign_hash);
    if (!request) return;
    auto question = call.ask();
    *question.mutable_sign_hash() = std::move(*request);
    ask_and_answer(call, std::move(question), sam::SigningResponse::kSignatures,
                   [](const sam::SigningResponse& answer) { return encode_signatures(answer.signatures()); });
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
