// What /v1's handlers share: refuse, ask, answer.
#pragma once

#include <string>
#include <utility>

#include "api/service.h"
#include "api/v1/problem.h"
#include "api/v1/requests.h"

namespace sigillo::api::v1 {

inline void refuse(const Call& call, const Problem& problem) {
    call.responder.send(to_response(problem));
}

// The value, or nothing: then the call has been refused.
template <class T>
std::optional<T> value_or_refuse(const Call& call, Outcome<T> outcome) {
    if (outcome) return std::move(*outcome);
    refuse(call, outcome.error());
    return std::nullopt;
}

// Asks sigillod; `answer_of` makes the Response of what comes back, an error becomes a problem.
template <class AnswerOf>
void ask(const Call& call, sam::SigningRequest question, sam::SigningResponse::BodyCase expected,
         AnswerOf answer_of) {
    call.services.signing->call(
        std::move(question), expected,
        [responder = call.responder, answer_of = std::move(answer_of)](Result<sam::SigningResponse> answer) {
            if (answer)
                responder.send(answer_of(*answer));
            else
                responder.send(to_response(from_error(answer.error())));
        });
}

inline Response no_content(const sam::SigningResponse&) {
    return {.status = 204, .content_type = {}, .body = {}, .headers = {}};
}

}  // namespace sigillo::api::v1
