// What CSC's handlers share: decode or refuse, ask or explain.
#pragma once

#include <utility>

#include "api/csc/errors.h"
#include "api/csc/requests.h"
#include "api/service.h"

namespace sigillo::api::csc {

// The decoded request, or nothing: then it has been refused. Further arguments go to `decode`.
template <class T, class... More>
std::optional<T> decode_or_refuse(const Call& call, Outcome<T> (*decode)(const json::Object&, const More&...),
                                  bool may_be_empty, const More&... more) {
    auto body = decode_body(call.request.body, may_be_empty);
    if (!body) {
        call.responder.send(to_response(body.error()));
        return std::nullopt;
    }
    auto decoded = decode(*body, more...);
    if (!decoded) {
        call.responder.send(to_response(decoded.error()));
        return std::nullopt;
    }
    return std::move(*decoded);
}

template <class T>
std::optional<T> decode_or_refuse(const Call& call, Outcome<T> (*decode)(const json::Object&)) {
    return decode_or_refuse(call, decode, false);
}
// With hashes in it.
template <class T>
std::optional<T> decode_or_refuse(const Call& call,
                                  Outcome<T> (*decode)(const json::Object&, const RequestLimits&)) {
    return decode_or_refuse(call, decode, false, call.services.limits);
}

// Sends `request`; the answer becomes JSON by `encode`, an error one of CSC's.
template <class Encode>
void ask_and_answer(const Call& call, sam::SigningRequest request, sam::SigningResponse::BodyCase expected,
                    Encode encode) {
    call.services.signing->call(
        std::move(request), expected,
        [responder = call.responder, encode = std::move(encode)](Result<sam::SigningResponse> answer) {
            if (answer)
                responder.send(json_response(200, encode(*answer)));
            else
                responder.send(to_response(from_error(answer.error())));
        });
}

}  // namespace sigillo::api::csc
