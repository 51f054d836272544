#include "api/csc/errors.h"

#include <algorithm>
#include <array>

#include "api/json/writer.h"

namespace sigillo::api::csc {
namespace {

constexpr int kRetrySoon = 1;          // busy: a group commit takes milliseconds
constexpr int kRetryLater = 30;        // full disk, clock: somebody has to act
constexpr int kRetryAfterBudget = 60;  // the lockout's shortest step

// sigillod names fields as /v1 spells them; CSC's users know a signer by userID.
std::string_view spelling(std::string_view field) {
    return field == "signerID" ? "userID" : field;
}

std::string_view type_of(std::string_view field) {
    if (field == "numSignatures") return "integer";
    if (field == "hashes" || field == "hash" || field == "authData") return "array";
    return "string";
}

Failure server_error(std::string_view description) {
    return {500, "server_error", std::string(description), 0};
}
Failure unavailable(std::string_view description, int retry_after_s) {
    return {503, "temporarily_unavailable", std::string(description), retry_after_s};
}

}  // namespace

Response to_response(const Failure& failure) {
    json::Writer out;
    out.begin_object();
    out.member("error", failure.error);
    out.member("error_description", failure.description);
    out.end_object();
    Response response{failure.status, "application/json", out.take(), {}};
    if (failure.retry_after_s > 0)
        response.headers.emplace_back("Retry-After", std::to_string(failure.retry_after_s));
    return response;
}

Failure failure(std::string_view description) {
    return {400, "invalid_request", std::string(description), 0};
}

Failure missing(std::string_view type, std::string_view name) {
    const std::string_view called = name == "hashes" ? "hash" : name;
    return failure("Missing (or invalid type) " + std::string(type) + " parameter " + std::string(called));
}

Failure invalid(std::string_view name) {
    return failure("Invalid parameter " + std::string(name));
}

Failure from_fault(const json::Fault& fault) {
    using enum json::Fault::Kind;
    if (fault.kind == kMissing || fault.kind == kWrongType) return missing(fault.type, fault.field);
    return invalid(fault.field);
}

Failure from_error(const Error& error) {
    const std::string_view field = spelling(error.field);
    switch (error.code) {
        case Errc::kInvalidArgument:
            if (field == "numSignatures") return failure(kInvalidNumSignatures);
            return field.empty() ? failure("The request is not valid") : invalid(field);
        case Errc::kMissingArgument:
            return field.empty() ? failure("A required parameter is missing")
                                 : missing(type_of(field), field);
        case Errc::kNotFound:
            return invalid(field.empty() ? "credentialID" : field);
        case Errc::kAlreadyExists:
        case Errc::kConflict:
            return failure("The request does not fit the credential's present state");
        case Errc::kForbidden:
            return {403, "unauthorized_client", "The client's certificate is not registered for this", 0};
        case Errc::kUnsupported:
            return field.empty() ? failure("The request asks for something that is not available")
                                 : invalid(field);
        case Errc::kLimitExceeded:
            if (field == "numSignatures" || field == "hashes" || field == "hash" || field == "documents")
                return failure(kTooManySignatures);
            if (field.empty() || field == "failures")  // the client's budget of wrong factors
                return {429, "temporarily_unavailable", "Too many failed authorizations by this client",
                        kRetryAfterBudget};
            return invalid(field);
        case Errc::kAuthenticationFailed:
            return {400, "invalid_authentication_data", "The authentication data is invalid", 0};
        case Errc::kOtpInvalid:
            return {400, "invalid_otp", "The OTP is invalid", 0};
        case Errc::kLocked:
            return failure("Credential locked");
        case Errc::kDisabled:
            return failure("The credential identified by credentialID is disabled");
        case Errc::kExpired:
            return failure("Signing certificate is expired");
        case Errc::kSadInvalid:
            return invalid("SAD");
        case Errc::kSadExpired:
            return failure("SAD expired");
        case Errc::kHashNotAuthorized:
            // The document sent has not the digest that it is signed under.
            if (field == "document")
                return {403, "invalid_hash", "Document or documentDigest does not match authorized hash", 0};
            return failure("Hash is not authorized by the SAD");
        case Errc::kUnavailable:
            return unavailable("The service is busy or out of service; try again", kRetrySoon);
        case Errc::kStorageFull:
            return unavailable("The service's storage is full", kRetryLater);
        case Errc::kClockUntrusted:
            return unavailable("The service's clock cannot be trusted now", kRetryLater);
        case Errc::kHsmRefused:
            return server_error("The HSM refused; nothing was signed and the hashes stay authorized");
        case Errc::kHsmFailed:
        case Errc::kOutcomeUnknown:
            return server_error(
                "A fault hid the outcome of this call; its hashes stay spent: authorise again");
        case Errc::kCorrupt:
        case Errc::kInternal:
            break;
    }
    return server_error("The service could not carry out the request");
}

Failure from_document_error(const Error& error) {
    if (error.code == Errc::kHashNotAuthorized)
        return error.field == "document" ? Failure{403, "invalid_hash", std::string(kDocumentDoesNotMatch), 0}
                                         : failure(kDocumentsNotAuthorized);
    // The document's or its appearance's: where sigillod's own fields are not meant.
    constexpr std::array<std::string_view, 14> kAppearance = {
        "page", "position", "field_name", "font",     "text",         "image",      "handwriting",
        "lock", "reason",   "name",       "location", "contact_info", "appearance", "clauses"};
    const auto in_brackets = [&](std::string_view parameter) {
        return failure("Invalid parameter " + std::string(parameter) + " (" + error.detail + ")");
    };
    const std::string_view field = error.field;
    if (error.code == Errc::kUnavailable && field == "validation_data")
        return unavailable("The validation data cannot be had now: " + error.detail, kRetryLater);
    if (error.code == Errc::kConflict && field == "validation_data")
        return failure("The signature cannot have this conformance_level: " + error.detail);
    switch (error.code) {
        case Errc::kInvalidArgument:
        case Errc::kUnsupported:
        case Errc::kConflict:
        case Errc::kNotFound:
        case Errc::kAlreadyExists:
        case Errc::kLimitExceeded:
            if (field == "document" || field == "deposit" || field == "revision" || field == "content" ||
                field == "contents_size")
                return in_brackets("documents");
            if (field == "certification") return in_brackets("signed_envelope_property");
            if (field == "signed_props") return in_brackets("signed_props");
            if (std::ranges::find(kAppearance, field) != kAppearance.end())
                return in_brackets("visible_signature");
            break;
        default:
            break;
    }
    return from_error(error);
}

Failure refusal(int status, Errc code, std::string_view detail) {
    const bool client = code == Errc::kForbidden;
    const bool own = status >= 500 && status != 501;  // 501: a method that nobody has
    return {status,
            client ? "unauthorized_client"
            : own  ? "server_error"
                   : "invalid_request",
            std::string(detail), 0};
}

}  // namespace sigillo::api::csc
