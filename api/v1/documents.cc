// /v1/documents: prepare, complete, extend (openapi.yaml).
#include "api/csc/sign_doc.h"
#include "api/documents/answer_body.h"
#include "api/documents/preparation.h"
#include "api/documents/service.h"
#include "api/json/reader.h"
#include "api/json/writer.h"
#include "api/v1/handlers.h"
#include "api/v1/problem.h"
#include "appliance/base/encoding.h"
#include "appliance/base/ids.h"

namespace sigillo::api::v1 {
namespace {

using documents::Job;
using documents::RequestBody;
using documents::Service;
using json::ObjectReader;

constexpr std::size_t kLongestSignature = 1'024;  // RSA-4096 has 512

std::unexpected<Problem> stop(Problem problem) {
    return std::unexpected(std::move(problem));
}

Problem from_body_error(const Error& error) {
    if (error.code == Errc::kLimitExceeded) return {413, error.code, error.detail, "body"};
    return from_error(error);
}

// What the documents' members are is CSC's to decode; its texts end with the parameter.
Problem from_csc(const csc::Failure& failure) {
    constexpr std::string_view kWord = "parameter ";
    const auto at = failure.description.find(kWord);
    std::string parameter =
        at == std::string::npos ? std::string() : failure.description.substr(at + kWord.size());
    parameter = parameter.substr(0, parameter.find(' '));
    return {failure.status, Errc::kInvalidArgument, failure.description, std::move(parameter)};
}

// Errors about a document are about that parameter, as the others are about theirs.
Problem from_document_error(Error error) {
    if (error.field == "validation_data")
        return error.code == Errc::kUnavailable ? Problem{503, error.code, error.detail, {}, 30}
                                                : Problem{409, error.code, error.detail, {}};
    if (error.code == Errc::kHashNotAuthorized)
        return {400, error.code, "the document is not authorized by the SAD", "SAD"};
    if (error.code == Errc::kNotFound && error.field != "documentID" && error.field != "credentialID")
        error.code = Errc::kInvalidArgument;  // a page, a field: of the document, not of ours
    return from_error(error);
}

template <class T>
using Decode = Outcome<T> (*)(const RequestBody& body, const documents::DocumentsConfig& config);

// The decoded body, or nothing: then the job has been refused.
template <class T>
std::optional<T> decode_or_refuse(Service& service, Job& job, Decode<T> decode) {
    auto body = documents::read_body(job.request, service.config().body);
    job.request = {};
    if (!body) {
        job.responder.send(to_response(from_body_error(body.error())));
        return std::nullopt;
    }
    auto decoded = decode(*body, service.config());
    if (!decoded) {
        job.responder.send(to_response(decoded.error()));
        return std::nullopt;
    }
    return std::move(*decoded);
}

Response answer_of(Service& service, const Result<documents::SignedOutcome>& outcome) {
    if (!outcome) return to_response(from_document_error(outcome.error()));
    documents::AnswerBody out(service.spool(), service.config().answer_bytes);
    const auto write = [&]() -> Result<Response> {
        SIGILLO_TRY(out.text(outcome->enveloped ? "{\"document\":" : "{\"signature\":"));
        SIGILLO_TRY(out.base64(*outcome->file));
        SIGILLO_TRY(out.text("}"));
        return out.finish(200);
    };
    auto response = write();
    return response ? std::move(*response) : to_response(from_error(response.error()));
}

// Runs the task; an exception of it is a 500.
template <class T, class Encode>
void carry_out(Service& service, const std::shared_ptr<Job>& job, Task<Result<T>> task, Encode encode) {
    start(
        std::move(task),
        [&service, job, encode](Result<T> outcome) { job->responder.send(encode(service, outcome)); },
        [&service, job](const std::exception_ptr&) {
            service.tools().logger.error("documents_fault");
            job->responder.send(to_response(from_error({Errc::kInternal, {}, {}})));
        });
}

// ---- prepare
// -------------------------------------------------------------------------------------------------

struct Preparation {
    std::string credential_id;
    documents::SignatureOrder order;
};

Outcome<Preparation> decode_preparation(const RequestBody& body, const documents::DocumentsConfig&) {
    ObjectReader reader(body.object);
    Preparation out;
    out.credential_id = reader.required_text("credentialID");
    if (reader.failed()) return stop(from_fault(*reader.fault()));
    if (!is_id(out.credential_id)) return stop(from_error({Errc::kNotFound, {}, "credentialID"}));
    json::Object entry;
    for (const auto& member : body.object)
        if (member.key != "credentialID") entry.push_back(member);
    auto order = csc::decode_document(entry, body);
    if (!order) return stop(from_csc(order.error()));
    out.order = std::move(*order);
    return out;
}

Response prepared(Service& service, const Result<documents::PreparedAnswer>& answer) {
    if (!answer) return to_response(from_document_error(answer.error()));
    json::Writer out;
    out.begin_object();
    out.member("documentID", answer->id);
    out.key("hash").base64(answer->to_be_signed.bytes());
    out.key("documentHash").base64(answer->document_digest.bytes());
    out.member("hashAlgorithmOID", hash_oid(answer->to_be_signed.algorithm()));
    out.key("expiresIn").integer(service.prepared().life().count());
    out.end_object();
    return json_response(201, out.take());
}

// ---- complete
// ------------------------------------------------------------------------------------------------

Outcome<documents::Completion> decode_completion(const RequestBody& body, const documents::DocumentsConfig&) {
    ObjectReader reader(body.object);
    documents::Completion out;
    out.id = reader.required_text("documentID");
    const auto* signature = reader.string("signature");
    const auto* sad = reader.string("SAD");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (!is_id(out.id)) return stop(from_error({Errc::kNotFound, {}, "documentID"}));
    if ((signature == nullptr) == (sad == nullptr))
        return stop(invalid("signature", "either signature or SAD is wanted"));
    if (sad != nullptr) {
        if (!csc::is_sad(*sad)) return stop(invalid("SAD", "SAD is what credentials/authorize answered"));
        out.sad = *sad;
        return out;
    }
    const auto raw = base64_decode(*signature);
    if (!raw || raw->empty() || raw->size() > kLongestSignature)
        return stop(invalid("signature", "signature is what signHash answered, in standard base64"));
    out.signature = std::string(as_text(*raw));
    return out;
}

// ---- extend
// --------------------------------------------------------------------------------------------------

std::optional<documents::LongString> member_content(const RequestBody& body, std::string_view name) {
    const json::Value* value = json::find(body.object, name);
    if (value == nullptr || value->is_null()) return std::nullopt;
    auto content = documents::content_of(*value, body);
    return content ? std::optional(std::move(*content)) : std::nullopt;
}

Outcome<documents::Extension> decode_extension(const RequestBody& body, const documents::DocumentsConfig&) {
    ObjectReader reader(body.object);
    documents::Extension out;
    const auto format = reader.required_text("signature_format");
    const auto level = reader.required_text("conformance_level");
    reader.note("document");
    reader.note("content");
    if (const auto& fault = reader.finish()) return stop(from_fault(*fault));
    if (format != "C" && format != "P")
        return stop(invalid("signature_format", "signature_format is C or P"));
    out.format = format == "C" ? documents::Format::kCades : documents::Format::kPades;
    const auto known = csc::conformance_level(level);
    if (!known || *known == documents::Level::kB)
        return stop(invalid("conformance_level", "conformance_level is AdES-B-T, AdES-B-LT or AdES-B-LTA"));
    out.level = *known;
    const json::Value* document = json::find(body.object, "document");
    if (document == nullptr || document->is_null())
        return stop(from_fault({json::Fault::Kind::kMissing, "string", "document"}));
    auto content = member_content(body, "document");
    if (!content) return stop(invalid("document", "document is not standard base64"));
    out.document = std::move(*content);
    if (const auto* given = json::find(body.object, "content"); given != nullptr && !given->is_null()) {
        out.content = member_content(body, "content");
        if (!out.content || out.format != documents::Format::kCades)
            return stop(
                invalid("content", "content is what a detached CAdES signature signs, in standard base64"));
    }
    return out;
}

// Hands the call to the documents' threads.
void run(Call& call, void (*work)(Service&, const std::shared_ptr<Job>&)) {
    Service* service = call.services.documents;
    const Responder responder = call.responder;
    if (service == nullptr) {
        responder.send(to_response(refusal(501, Errc::kUnsupported, "this service signs no documents")));
        return;
    }
    const auto taken =
        service->run(call, [service, work](const std::shared_ptr<Job>& job) { work(*service, job); });
    if (!taken) responder.send(to_response(from_error(taken.error())));
}

}  // namespace

void prepare_document(Call& call) {
    run(call, [](Service& service, const std::shared_ptr<Job>& job) {
        auto request = decode_or_refuse<Preparation>(service, *job, &decode_preparation);
        if (!request) return;
        carry_out(service, job,
                  documents::prepare_document(service.tools(), service.prepared(), job->caller,
                                              std::move(request->credential_id), std::move(request->order)),
                  &prepared);
    });
}

void complete_document(Call& call) {
    run(call, [](Service& service, const std::shared_ptr<Job>& job) {
        auto request = decode_or_refuse<documents::Completion>(service, *job, &decode_completion);
        if (!request) return;
        carry_out(service, job,
                  documents::complete_document(service.tools(), service.prepared(), job->caller,
                                               std::move(*request)),
                  &answer_of);
    });
}

void extend_document(Call& call) {
    run(call, [](Service& service, const std::shared_ptr<Job>& job) {
        auto request = decode_or_refuse<documents::Extension>(service, *job, &decode_extension);
        if (!request) return;
        carry_out(service, job, documents::extend_document(service.tools(), job->caller, std::move(*request)),
                  &answer_of);
    });
}

}  // namespace sigillo::api::v1
