#include "api/dispatcher.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "api/csc/errors.h"
#include "api/v1/problem.h"

namespace sigillo::api {
namespace {

using std::chrono::steady_clock;

std::string_view next_segment(std::string_view& path) {
    path.remove_prefix(1);  // '/'
    const auto end = path.find('/');
    const auto segment = path.substr(0, end);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end);
    return segment;
}

// The path's parameters, or nothing when it is another path. Not normalised: "//", "..", "%2f" match nothing.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
    std::vector<std::string> parameters;
    while (!pattern.empty() && !path.empty()) {
        if (path.front() != '/') return std::nullopt;
        if (pattern.ends_with("*}") && pattern.starts_with("/{")) {
            if (path.size() == 1) return std::nullopt;
            parameters.emplace_back(path.substr(1));
            return parameters;
        }
        const auto wanted = next_segment(pattern);
        const auto given = next_segment(path);
        if (wanted.starts_with('{')) {
            if (given.empty()) return std::nullopt;
            parameters.emplace_back(given);
        } else if (wanted != given) {
            return std::nullopt;
        }
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return parameters;
}

Response refuse(Words words, int status, Errc code, std::string_view detail) {
    if (words == Words::kCsc) return csc::to_response(csc::refusal(status, code, detail));
    return v1::to_response(v1::refusal(status, code, detail));
}

bool is_media(std::string_view content_type, std::string_view wanted) {
    std::string lower(content_type);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const auto end = std::min(lower.find(';'), lower.size());
    std::string_view type = std::string_view(lower).substr(0, end);
    while (type.ends_with(' ')) type.remove_suffix(1);
    return type == wanted;
}

// 1 to 255 visible ASCII characters.
bool is_idempotency_key(std::string_view key) {
    return !key.empty() && key.size() <= 255 &&
           std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::vector<std::string> metric_labels(std::span<const Route> routes) {
    std::vector<std::string> labels;
    for (const auto& route : routes)
        labels.push_back("method=\"" + std::string(method_name(route.method)) + "\",route=\"" +
                         std::string(route.pattern) + '"');
    return labels;
}

void Dispatcher::handle(Request request, Responder responder) noexcept {
    const std::string path = request.path.substr(0, 200);
    try {
        route(request, responder);
    } catch (const std::exception& e) {
        // Never e.what() to the client. Where the handler had passed its responder on, this answer comes
        // second and does nothing.
        services_.logger.error("handler_fault", {{"path", path}, {"what", e.what()}});
        responder.send(
            refuse(Words::kProblem, 500, Errc::kInternal, "the appliance's own fault; its log says more"));
    }
}

void Dispatcher::route(Request& request, Responder& responder) {
    std::string allowed;
    std::optional<std::vector<std::string>> parameters;
    std::size_t index = services_.metrics.unmatched();
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        auto matched = match(routes_[i].pattern, request.path);
        if (!matched) continue;
        if (routes_[i].method == request.method) {
            index = i;
            parameters = std::move(matched);
            break;
        }
        allowed += (allowed.empty() ? "" : ", ") + std::string(method_name(routes_[i].method));
    }
    responder.observe([this, index, start = steady_clock::now()](int status) {
        services_.metrics.answered(index, status, steady_clock::now() - start);
    });
    if (!parameters) {
        const Words words = request.path.starts_with("/csc/") ? Words::kCsc : Words::kProblem;
        if (request.method == Method::kUnheardOf) {  // RFC 9110 §9.1
            responder.send(refuse(words, 501, Errc::kUnsupported, "this method is not implemented"));
            return;
        }
        if (allowed.empty()) {
            responder.send(
                refuse(words, 404, Errc::kNotFound, "no such resource; /openapi.yaml lists what there is"));
            return;
        }
        auto response = refuse(words, 405, Errc::kInvalidArgument, "this resource does not know that method");
        response.headers.emplace_back("Allow", allowed);
        responder.send(std::move(response));
        return;
    }
    const Route& chosen = routes_[index];
    Call call{.request = std::move(request),
              .responder = responder,
              .client = {},
              .parameters = std::move(*parameters),
              .services = services_};
    if (admit(chosen, call)) chosen.handler(call);
}

bool Dispatcher::admit(const Route& route, Call& call) {
    const auto no = [&](int status, Errc code, std::string_view detail) {
        call.responder.send(refuse(route.words, status, code, detail));
        return false;
    };
    // Where anybody may ask, a registered client may learn more (metrics): sigillod decides.
    if (route.caller == Caller::kClient || !call.request.client_certificate.empty()) {
        const auto digest = call.services.certificates.spki_sha256(call.request.client_certificate);
        if (digest)
            call.client.set_spki_sha256(digest->data(), digest->size());
        else if (route.caller == Caller::kClient)
            return no(401, Errc::kForbidden, "no usable TLS client certificate came with the request");
    }
    if (route.media == Media::kTimeStampQuery) {  // RFC 3161 §3.4
        if (!is_media(call.request.content_type, "application/timestamp-query"))
            return no(415, Errc::kInvalidArgument, "Content-Type must be application/timestamp-query");
    } else if (route.media == Media::kOcspRequest) {  // RFC 6960 A.1
        if (!is_media(call.request.content_type, "application/ocsp-request"))
            return no(415, Errc::kInvalidArgument, "Content-Type must be application/ocsp-request");
    } else if ((!call.request.body.empty() || call.request.body_file) && !call.request.content_type.empty() &&
               !is_media(call.request.content_type, "application/json"))
        return no(route.words == Words::kCsc ? 400 : 415, Errc::kInvalidArgument,
                  "Content-Type must be application/json");
    if (route.retry == Retry::kIdempotencyKey && call.request.has_idempotency_key) {
        if (!is_idempotency_key(call.request.idempotency_key))
            return no(400, Errc::kInvalidArgument, "Idempotency-Key has 1 to 255 visible ASCII characters");
        call.client.set_idempotency_key(call.request.idempotency_key);
    }
    return true;
}

}  // namespace sigillo::api
