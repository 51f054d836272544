#include "api/csc/answer.h"
#include "api/csc/encode.h"
#include "api/csc/handlers.h"
#include "appliance/base/secret.h"

namespace sigillo::api::csc {
namespace {

std::string authorized(const sam::SigningResponse& answer) {
    return encode_authorized(answer.authorized());
}

}  // namespace

void credentials_authorize(Call& call) {
    auto request = decode_or_refuse(call, decode_authorize);
    cleanse(call.request.body);  // PIN and OTP
    if (!request) return;
    auto question = call.ask();
    *question.mutable_authorize() = std::move(*request);
    ask_and_answer(call, std::move(question), sam::SigningResponse::kAuthorized, authorized);
}

void credentials_extend_transaction(Call& call) {
    auto request = decode_or_refuse(call, decode_extend_transaction);
    if (!request) return;
    auto question = call.ask();
    *question.mutable_extend_transaction() = std::move(*request);
    ask_and_answer(call, std::move(question), sam::SigningResponse::kAuthorized, authorized);
}

}  // namespace sigillo::api::csc
