// signatures/signDoc, signatures/signPolling, and what asynchronous calls share.
#include "api/csc/documents.h"

#include "api/csc/answer.h"
#include "api/csc/handlers.h"
#include "api/csc/sign_doc.h"
#include "api/documents/answer_body.h"
#include "api/documents/service.h"
#include "api/documents/signer.h"
#include "api/json/writer.h"

namespace sigillo::api::csc {
namespace {

using documents::Job;
using documents::Service;
using documents::SigningOutcome;

Response too_much_to_do() {
    return to_response(from_error({Errc::kUnavailable, "too many asynchronous calls", {}}));
}

Status write_files(documents::AnswerBody& out, std::string_view name, const SigningOutcome& outcome,
                   bool enveloped, bool& first) {
    bool open = false;
    for (const auto& document : outcome.documents) {
        if (document.enveloped != enveloped) continue;
        SIGILLO_TRY(out.text(open ? "," : std::string(first ? "{" : ",") + '"' + std::string(name) + "\":["));
        SIGILLO_TRY(out.base64(*document.file));
        open = true;
        first = false;
    }
    return open ? out.text("]") : Status();
}

void write_ders(json::Writer& out, std::string_view name, const std::vector<Bytes>& ders) {
    if (ders.empty()) return;
    out.key(name).begin_array();
    for (const auto& der : ders) out.base64(der);
    out.end_array();
}

// How an answer is made.
struct Form {
    bool validation_info = false;
    std::size_t in_memory = 0;  // bytes; larger ones are a file
};

Result<Response> encode(Service& service, const SigningOutcome& outcome, const Form& form) {
    documents::AnswerBody out(service.spool(), form.in_memory);
    bool first = true;
    SIGILLO_TRY(write_files(out, "DocumentWithSignature", outcome, true, first));
    SIGILLO_TRY(write_files(out, "SignatureObject", outcome, false, first));
    if (form.validation_info) {
        json::Writer info;
        info.begin_object();
        write_ders(info, "ocsp", outcome.validation_info.ocsps);
        write_ders(info, "crl", outcome.validation_info.crls);
        write_ders(info, "certificates", outcome.validation_info.certificates);
        info.end_object();
        SIGILLO_TRY(out.text(",\"validationInfo\":" + info.take()));
    }
    SIGILLO_TRY(out.text("}"));
    return out.finish(200);
}

Response response_of(Service& service, const Result<SigningOutcome>& outcome, const Form& form) {
    if (!outcome) return to_response(from_document_error(outcome.error()));
    auto response = encode(service, *outcome, form);
    return response ? std::move(*response) : to_response(from_error(response.error()));
}

// Spends `order`.
void sign(Service& service, const std::shared_ptr<Job>& job, documents::SigningOrder& order, bool waits,
          const Answering& answer) {
    const Form form{order.validation_info,
                    waits ? service.config().waiting_answer_bytes : service.config().answer_bytes};
    start(
        documents::sign_documents(service.tools(), job->caller, std::move(order)),
        [&service, job, answer, form](const Result<SigningOutcome>& outcome) {
            answer(response_of(service, outcome, form));
        },
        [&service, job, answer](const std::exception_ptr&) {
            service.tools().logger.error("sign_doc_fault");
            answer(to_response(from_error({Errc::kInternal, {}, {}})));
        });
}

void sign_doc(Service& service, const std::shared_ptr<Job>& job) {
    auto body = documents::read_body(job->request, service.config().body);
    job->request = {};
    if (!body) {
        job->responder.send(to_response(from_body_error(body.error())));
        return;
    }
    auto request = decode_sign_doc(*body, service.config().sign_doc);
    body->long_strings.clear();
    if (!request) {
        job->responder.send(to_response(request.error()));
        return;
    }
    auto order = std::make_shared<documents::SigningOrder>(
        documents::SigningOrder{.credential_id = std::move(request->credential_id),
                                .qualifier = std::move(request->qualifier),
                                .sad = std::move(request->sad),
                                .orders = std::move(request->orders),
                                .validation_info = request->validation_info});
    const bool waits = request->async.has_value();
    with_answer({service, job->responder, job->caller.name(), request->async},
                [&service, job, order, waits](const Answering& answer) {
                    sign(service, job, *order, waits, answer);
                });
}

void begin_result(const AnswerPlace& place, const std::function<void(Answering)>& go_on) {
    Service& service = place.service;
    const auto id = service.results().begin(place.client, place.async->validity);
    if (!id) {
        place.responder.send(too_much_to_do());
        return;
    }
    json::Writer out;
    out.begin_object().member("responseID", *id).end_object();
    place.responder.send(json_response(200, out.take()));
    go_on([&service, held = service.hold(), id = *id, uri = place.async->response_uri](Response response) {
        service.results().finish(id, std::move(response));
        if (!uri.empty()) service.notify(uri, id);
    });
}

Response result_of(Service& service, const std::string& client, const std::string& id) {
    auto found = service.results().find(client, id);
    if (!found) return to_response(invalid("requestID"));
    if (found->done) return std::move(found->response);
    return to_response({202, "accepted_request", std::string(kStillAtWork), 0});
}

}  // namespace

void with_answer(AnswerPlace place, std::function<void(Answering)> go_on) {
    if (!place.async) {
        go_on([responder = place.responder](Response response) { responder.send(std::move(response)); });
        return;
    }
    if (place.async->response_uri.empty()) {
        begin_result(place, go_on);
        return;
    }
    const std::string uri = place.async->response_uri;
    Service& service = place.service;
    service.check_place(uri, [held = service.hold(), place = std::move(place),
                              go_on = std::move(go_on)](const Status& allowed) {
        if (allowed)
            begin_result(place, go_on);
        else if (allowed.error().code == Errc::kForbidden || allowed.error().code == Errc::kInvalidArgument)
            place.responder.send(to_response(invalid("response_uri")));
        else
            place.responder.send(to_response(from_error({Errc::kUnavailable, {}, {}})));
    });
}

Failure from_body_error(const Error& error) {
    if (error.code == Errc::kInvalidArgument)
        return failure(error.field.empty() ? error.detail : error.detail + ": " + error.field);
    if (error.code == Errc::kLimitExceeded) return {413, "invalid_request", error.detail, 0};
    return from_error(error);
}

void signatures_sign_doc(Call& call) {
    Service* service = call.services.documents;
    if (service == nullptr) {
        call.responder.send(to_response(refusal(501, Errc::kUnsupported, "This service signs no documents")));
        return;
    }
    const Responder responder = call.responder;
    const auto taken =
        service->run(call, [service](const std::shared_ptr<Job>& job) { sign_doc(*service, job); });
    if (!taken) responder.send(to_response(from_error(taken.error())));
}

void signatures_sign_polling(Call& call) {
    const auto request = decode_or_refuse(call, decode_sign_polling);
    if (!request) return;
    Service* service = call.services.documents;
    if (service == nullptr) {
        call.responder.send(to_response(invalid("requestID")));
        return;
    }
    // Results are here, but who may ask is sigillod's to say: its least question says it.
    auto question = call.ask();
    question.mutable_list_signers()->mutable_page()->set_limit(1);
    call.services.signing->call(
        std::move(question), sam::SigningResponse::kSigners,
        [service, held = service->hold(), responder = call.responder, client = call.client.spki_sha256(),
         id = request->request_id](const Result<sam::SigningResponse>& registered) {
            responder.send(registered ? result_of(*service, client, id)
                                      : to_response(from_error(registered.error())));
        });
}

}  // namespace sigillo::api::csc
