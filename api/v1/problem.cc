#include "api/v1/problem.h"

#include "api/json/writer.h"

namespace sigillo::api::v1 {
namespace {

constexpr int kRetrySoon = 1;          // busy: a group commit takes milliseconds
constexpr int kRetryLater = 30;        // full disk, clock: somebody has to act
constexpr int kRetryAfterBudget = 60;  // the lockout's shortest step

std::string_view title_of(int status) {
    switch (status) {
        case 400:
            return "Bad request";
        case 401:
            return "Client certificate needed";
        case 403:
            return "Forbidden";
        case 404:
            return "Not found";
        case 405:
            return "Method not allowed";
        case 409:
            return "Conflict";
        case 413:
            return "Too large";
        case 415:
            return "Unsupported media type";
        case 429:
            return "Too many requests";
        case 501:
            return "Not implemented";
        case 503:
            return "Service unavailable";
        default:
            return "Internal error";
    }
}

}  // namespace

Response to_response(const Problem& problem) {
    json::Writer out;
    out.begin_object();
    out.member("type", "urn:sigillo:problem:" + std::string(errc_name(problem.code)));
    out.member("title", title_of(problem.status));
    out.key("status").integer(problem.status);
    out.member("detail", problem.detail);
    out.optional_member("parameter", problem.parameter);
    out.end_object();
    Response response{problem.status, "application/problem+json", out.take(), {}};
    if (problem.retry_after_s > 0)
        response.headers.emplace_back("Retry-After", std::to_string(problem.retry_after_s));
    return response;
}

Problem invalid(std::string_view parameter, std::string_view detail) {
    return {400, Errc::kInvalidArgument, std::string(detail), std::string(parameter)};
}

Problem from_fault(const json::Fault& fault) {
    using enum json::Fault::Kind;
    const std::string& field = fault.field;
    switch (fault.kind) {
        case kMissing:
            return {400, Errc::kMissingArgument,
                    field + " is missing: a JSON " + std::string(fault.type) + " is wanted", field};
        case kWrongType:
            return invalid(field, field + " must be a JSON " + std::string(fault.type));
        case kUnknown:
            return invalid(field, field + " is not a parameter of this request");
        case kInvalid:
            break;
    }
    return invalid(field, field + " is not valid");
}

Problem from_error(const Error& error) {
    // What the caller did wrong is told in sigillod's words; what went wrong inside stays in the logs.
    const auto blame = [&](int status, std::string_view otherwise) {
        return Problem{status, error.code, error.detail.empty() ? std::string(otherwise) : error.detail,
                       error.field};
    };
    const auto ours = [&](int status, std::string_view detail, int retry_after_s = 0) {
        return Problem{status, error.code, std::string(detail), {}, retry_after_s};
    };
    switch (error.code) {
        case Errc::kInvalidArgument:
            return blame(400, "a parameter is not valid");
        case Errc::kMissingArgument:
            return blame(400, "a parameter is missing");
        case Errc::kUnsupported:
            return blame(400, "this is not available");
        case Errc::kNotFound: {
            const std::string what = error.field.empty() ? "what the request names" : error.field;
            return {404, error.code, what + " does not exist for this client", error.field};
        }
        case Errc::kAlreadyExists:
            return blame(409, "it exists already");
        case Errc::kConflict:
            return blame(409, "this does not fit the present state");
        case Errc::kForbidden:
            if (error.field == "client")
                return ours(403, "the client's certificate is not registered; a security officer does that");
            return ours(403, "this client may not ask that");
        case Errc::kLimitExceeded:
            if (error.field.empty() || error.field == "failures")  // the client's budget of wrong factors
                return {
                    429, error.code, "too many failed attempts by this client; wait", {}, kRetryAfterBudget};
            return blame(400, "a limit is exceeded");
        case Errc::kAuthenticationFailed:
            return ours(400, "the authentication data is invalid");
        case Errc::kOtpInvalid:
            return ours(400, "the OTP is invalid");
        case Errc::kLocked:
            return ours(409, "locked after too many wrong factors");
        case Errc::kDisabled:
            return ours(409, "the credential is disabled");
        case Errc::kExpired:
            return ours(409, "the signing certificate is expired");
        case Errc::kSadInvalid:
        case Errc::kSadExpired:
        case Errc::kHashNotAuthorized:
            return ours(400, "the signature activation data does not fit");
        case Errc::kUnavailable:
            return ours(503, "busy or out of service; try again", kRetrySoon);
        case Errc::kStorageFull:
            return ours(503, "the appliance's storage is full", kRetryLater);
        case Errc::kClockUntrusted:
            return ours(503, "the appliance's clock cannot be trusted now", kRetryLater);
        case Errc::kHsmRefused:
            return ours(500, "the HSM refused; nothing was changed");
        case Errc::kHsmFailed:
        case Errc::kOutcomeUnknown:
            return ours(500, "a fault hid the outcome; look before asking again");
        case Errc::kCorrupt:
        case Errc::kInternal:
            break;
    }
    return ours(500, "the appliance could not carry out the request; its log says more");
}

Problem refusal(int status, Errc code, std::string_view detail) {
    return {status, code, std::string(detail), {}};
}

}  // namespace sigillo::api::v1
