#include "api/json/writer.h"
#include "api/v1/answer.h"
#include "api/v1/handlers.h"
#include "appliance/base/clock.h"

namespace sigillo::api::v1 {
namespace {

using json::Writer;

void write_signer(Writer& out, const sam::Signer& signer) {
    const auto& person = signer.person();
    out.begin_object().member("signerID", signer.signer_id());
    out.key("name")
        .begin_object()
        .member("given", person.given())
        .member("family", person.family())
        .end_object();
    out.member("country", person.country());
    out.optional_member("organization", person.organization());
    out.optional_member("email", person.email());
    out.optional_member("phone", person.phone());
    out.optional_member("language", person.language());
    out.key("identifiers").begin_array();
    for (const auto& identifier : person.identifiers())
        out.begin_object().member("type", identifier.type()).member("value", identifier.value()).end_object();
    out.end_array();
    if (person.has_identification()) {
        const auto& identification = person.identification();
        out.key("identification").begin_object().member("method", identification.method());
        out.optional_member("reference", identification.reference())
            .optional_member("time", identification.time());
        out.end_object();
    }
    out.optional_member("externalReference", person.external_reference());
    out.member("created", rfc3339(from_unix_millis(signer.created_ms())));
    out.end_object();
}

}  // namespace

void create_signer(Call& call) {
    const auto body = value_or_refuse(call, decode_body(call.request.body));
    if (!body) return;
    auto request = value_or_refuse(call, decode_create_signer(*body));
    if (!request) return;
    auto question = call.ask();
    *question.mutable_create_signer() = std::move(*request);
    ask(call, std::move(question), sam::SigningResponse::kSigner, [](const sam::SigningResponse& answer) {
        Writer out;
        out.begin_object().member("signerID", answer.signer().signer_id()).end_object();
        auto response = json_response(201, out.take());
        response.headers.emplace_back("Location", "/v1/signers/" + answer.signer().signer_id());
        return response;
    });
}

void list_signers(Call& call) {
    auto request = value_or_refuse(call, decode_list_signers(call.request));
    if (!request) return;
    const auto limit = static_cast<int>(request->page().limit());
    auto question = call.ask();
    *question.mutable_list_signers() = std::move(*request);
    ask(call, std::move(question), sam::SigningResponse::kSigners,
        [limit](const sam::SigningResponse& answer) {
            const auto& signers = answer.signers().signers();
            Writer out;
            out.begin_object().key("signers").begin_array();
            for (const auto& signer : signers) write_signer(out, signer);
            out.end_array();
            if (!signers.empty() && (signers.size() == limit || answer.signers().more()))
                out.member("next", signers.rbegin()->signer_id());
            out.end_object();
            return json_response(200, out.take());
        });
}

void get_signer(Call& call) {
    const auto id = value_or_refuse(call, path_id(call.parameters[0], "signerID"));
    if (!id) return;
    auto question = call.ask();
    question.mutable_get_signer()->set_signer_id(*id);
    ask(call, std::move(question), sam::SigningResponse::kSigner, [](const sam::SigningResponse& answer) {
        Writer out;
        write_signer(out, answer.signer());
        return json_response(200, out.take());
    });
}

}  // namespace sigillo::api::v1
