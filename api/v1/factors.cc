#include "api/json/writer.h"
#include "api/v1/answer.h"
#include "api/v1/handlers.h"
#include "api/v1/qr.h"
#include "appliance/base/clock.h"
#include "appliance/base/secret.h"

namespace sigillo::api::v1 {

using json::Writer;

void enrol_factor(Call& call) {
    const auto signer = value_or_refuse(call, path_id(call.parameters[0], "signerID"));
    if (!signer) return;
    const auto body = value_or_refuse(call, decode_body(call.request.body));
    cleanse(call.request.body);  // PIN
    if (!body) return;
    auto request = value_or_refuse(call, decode_enrol_factor(*body, *signer));
    if (!request) return;
    auto question = call.ask();
    *question.mutable_enrol_factor() = std::move(*request);
    ask(call, std::move(question), sam::SigningResponse::kEnrolledFactor,
        [](const sam::SigningResponse& answer) {
            const auto& enrolled = answer.enrolled_factor();
            Writer out;
            out.begin_object().member("factorID", enrolled.factor().factor_id());
            out.optional_member("otpauth", enrolled.otpauth());
            // The seed is told this once: a picture that cannot be drawn must not withhold it.
            if (const auto picture = qr_svg(enrolled.otpauth()); picture && !enrolled.otpauth().empty())
                out.member("qr", *picture);
            out.end_object();
            return json_response(201, out.take());
        });
}

void list_factors(Call& call) {
    const auto signer = value_or_refuse(call, path_id(call.parameters[0], "signerID"));
    if (!signer) return;
    auto question = call.ask();
    question.mutable_list_factors()->set_signer_id(*signer);
    ask(call, std::move(question), sam::SigningResponse::kFactors, [](const sam::SigningResponse& answer) {
        Writer out;
        out.begin_object().key("factors").begin_array();
        for (const auto& factor : answer.factors().factors())
            out.begin_object()
                .member("factorID", factor.factor_id())
                .member("type", factor.type())
                .member("created", rfc3339(from_unix_millis(factor.created_ms())))
                .end_object();
        out.end_array().end_object();
        return json_response(200, out.take());
    });
}

void delete_factor(Call& call) {
    const auto signer = value_or_refuse(call, path_id(call.parameters[0], "signerID"));
    if (!signer) return;
    const auto factor = value_or_refuse(call, path_id(call.parameters[1], "factorID"));
    if (!factor) return;
    auto question = call.ask();
    question.mutable_delete_factor()->set_signer_id(*signer);
    question.mutable_delete_factor()->set_factor_id(*factor);
    ask(call, std::move(question), sam::SigningResponse::kDone, no_content);
}

void change_pin(Call& call) {
    const auto signer = value_or_refuse(call, path_id(call.parameters[0], "signerID"));
    if (!signer) return;
    const auto factor = value_or_refuse(call, path_id(call.parameters[1], "factorID"));
    if (!factor) return;
    const auto body = value_or_refuse(call, decode_body(call.request.body));
    cleanse(call.request.body);  // both PINs
    if (!body) return;
    auto request = value_or_refuse(call, decode_change_pin(*body, *signer, *factor));
    if (!request) return;
    auto question = call.ask();
    *question.mutable_change_pin() = std::move(*request);
    ask(call, std::move(question), sam::SigningResponse::kDone, no_content);
}

}  // namespace sigillo::api::v1
