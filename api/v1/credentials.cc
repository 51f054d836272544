#include "api/json/writer.h"
#include "api/v1/answer.h"
#include "api/v1/handlers.h"

namespace sigillo::api::v1 {

using json::Writer;

void create_credential(Call& call) {
    const auto body = value_or_refuse(call, decode_body(call.request.body));
    if (!body) return;
    auto request = value_or_refuse(call, decode_create_credential(*body));
    if (!request) return;
    auto question = call.ask();
    *question.mutable_create_credential() = std::move(*request);
    ask(call, std::move(question), sam::SigningResponse::kCreatedCredential,
        [](const sam::SigningResponse& answer) {
            const auto& created = answer.created_credential();
            Writer out;
            out.begin_object().member("credentialID", created.credential_id());
            if (!created.csr().empty()) out.key("csr").base64(as_bytes(created.csr()));
            out.end_object();
            return json_response(201, out.take());
        });
}

void set_certificate(Call& call) {
    const auto id = value_or_refuse(call, path_id(call.parameters[0], "credentialID"));
    if (!id) return;
    const auto body = value_or_refuse(call, decode_body(call.request.body));
    if (!body) return;
    auto request = value_or_refuse(call, decode_set_certificate(*body, *id));
    if (!request) return;
    auto question = call.ask();
    *question.mutable_set_certificate() = std::move(*request);
    ask(call, std::move(question), sam::SigningResponse::kDone, no_content);
}

void set_status(Call& call) {
    const auto id = value_or_refuse(call, path_id(call.parameters[0], "credentialID"));
    if (!id) return;
    const auto body = value_or_refuse(call, decode_body(call.request.body));
    if (!body) return;
    auto request = value_or_refuse(call, decode_set_status(*body, *id));
    if (!request) return;
    auto question = call.ask();
    *question.mutable_set_status() = std::move(*request);
    ask(call, std::move(question), sam::SigningResponse::kDone, no_content);
}

void delete_credential(Call& call) {
    const auto id = value_or_refuse(call, path_id(call.parameters[0], "credentialID"));
    if (!id) return;
    auto question = call.ask();
    question.mutable_delete_credential()->set_credential_id(*id);
    ask(call, std::move(question), sam::SigningResponse::kDone, no_content);
}

}  // namespace sigillo::api::v1
