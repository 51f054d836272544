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

// Where the answer goes: to the client, or among the results, after the client has had its responseID. Empty:
// it has been refused (503: too many results wait). `client`: whose the result is.
std::function<void(Response)> answer_to(documents::Service& service, const Responder& responder,
                                        const std::string& client, const std::optional<AsyncOrder>& async);

// A body that could not be read (documents/request_body.h).
Failure from_body_error(const Error& error);

}  // namespace sigillo::api::csc
