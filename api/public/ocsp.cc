#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <optional>

#include "api/ocsp.h"
#include "api/public/handlers.h"
#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"

namespace sigillo::api::pki {
namespace {

using ocsp::ResponseStatus;

// RFC 6960 A.2. Whatever goes wrong is said in OCSP's own words; HTTP's are for HTTP.
Response reply(std::string der) {
    return {
        .status = 200, .content_type = "application/ocsp-response", .body = std::move(der), .headers = {}};
}

Response refusal(ResponseStatus status) {
    Response response = reply(std::string(as_text(ocsp::encode_failure(status))));
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

// RFC 9110 §5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(WallTime time) {
    constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = unix_seconds(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                  kDays.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                  kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900, parts.tm_hour,
                  parts.tm_min, parts.tm_sec);
    return text.data();
}

// RFC 5019 §6.2, but for a shorter max-age: until nextUpdate a cache between us and the client would hide a
// revocation, which we tell at once.
void add_caching(Response& response, const sam::OcspAnswer& answer) {
    constexpr std::int64_t kMostSeconds = 60;
    const WallTime from = from_unix_millis(answer.this_update_ms());
    const WallTime until = from_unix_millis(answer.next_update_ms());
    const auto life = std::chrono::duration_cast<std::chrono::seconds>(until - from).count();
    const auto age = std::clamp<std::int64_t>(life, 0, kMostSeconds);
    response.headers.emplace_back(
        "Cache-Control", "max-age=" + std::to_string(age) + ", public, no-transform, must-revalidate");
    response.headers.emplace_back("Last-Modified", http_date(from));
    response.headers.emplace_back("Expires", http_date(until));
    response.headers.emplace_back("ETag", '"' + hex_encode(ByteView(sha256(as_bytes(response.body)))) + '"');
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// RFC 6960 A.1: base64 of the DER, URL-encoded. Clients leave '/', '+' and '=' as they are more often than
// not; base64url, with or without padding, is taken too.
std::optional<Bytes> decode_path(std::string_view path) {
    std::string text;
    for (std::size_t i = 0; i < path.size(); ++i) {
        char c = path[i];
        if (c == '%') {
            const int high = i + 2 < path.size() ? hex_digit(path[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(path[i + 2]) : -1;
            if (low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        text += c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (text.ends_with('=')) text.pop_back();
    text.append((4 - text.size() % 4) % 4, '=');
    auto der = base64_decode(text);
    if (!der) return std::nullopt;
    return *std::move(der);
}

void ask(Call& call, ByteView der, bool may_be_cached) {
    const auto request = ocsp::OcspRequest::parse(der, call.services.ocsp);
    if (!request) {
        call.responder.send(refusal(request.error().status));
        return;
    }
    may_be_cached = may_be_cached && request->nonce().empty();
    sam::PublicRequest question;
    *question.mutable_ocsp() = to_message(*request);
    call.services.anonymous->call(
        std::move(question), sam::PublicResponse::kOcspAnswer,
        [responder = call.responder, may_be_cached](Result<sam::PublicResponse> answer) {
            if (!answer) {
                responder.send(refusal(ResponseStatus::kTryLater));
                return;
            }
            sam::OcspAnswer& ocsp = *answer->mutable_ocsp_answer();
            Response response = reply(std::move(*ocsp.mutable_response()));
            if (may_be_cached && ocsp.failure().empty())
                add_caching(response, ocsp);
            else
                response.headers.emplace_back("Cache-Control", "no-store");
            responder.send(std::move(response));
        });
}

}  // namespace

void ocsp_post(Call& call) {
    ask(call, as_bytes(call.request.body), false);
}

void ocsp_get(Call& call) {
    const auto der = decode_path(call.parameters.front());
    if (!der) {
        call.responder.send(refusal(ResponseStatus::kMalformedRequest));
        return;
    }
    ask(call, *der, true);
}

}  // namespace sigillo::api::pki
