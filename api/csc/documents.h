// What calls have in common that may be asynchronous (§11.10, §11.11).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/csc/errors.h"
#include "api/csc/sign_doc.h"
#include "api/http/exchange.h"

namespace sigillo::api::documents {
class Service;
}

namespace sigillo::api::csc {

using Answering = std::function<void(Response)>;

// Who answers whom how.
struct AnswerPlace {
    documents::Service& service;
    Responder responder;
    std::string client;  // whose the result is
    std::optional<AsyncOrder> async;
};
// Goes on with where the answer goes: to the client, or among the results, after the client has had its
// responseID. Or refuses: response_uri is none that the operator allows, 503 when too many results wait. On
// this thread, or on one of the connection to sigillo-fetch, which must not be kept.
void with_answer(AnswerPlace place, std::function<void(Answering)> go_on);

// A body that could not be read (documents/request_body.h).
Failure from_body_error(const Error& error);

}  // namespace sigillo::api::csc
