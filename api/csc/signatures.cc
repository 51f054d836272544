#include "api/csc/answer.h"
#include "api/csc/encode.h"
#include "api/csc/handlers.h"

namespace sigillo::api::csc {

void signatures_sign_hash(Call& call) {
    auto request = decode_or_refuse(call, decode_sign_hash);
    if (!request) return;
    auto question = call.ask();
    *question.mutable_sign_hash() = std::move(*request);
    ask_and_answer(call, std::move(question), sam::SigningResponse::kSignatures,
                   [](const sam::SigningResponse& answer) { return encode_signatures(answer.signatures()); });
}

}  // namespace sigillo::api::csc
