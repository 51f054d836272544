// One HTTP request and its one answer, free of any HTTP library: what handlers see.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/spool.h"

namespace sigillo::api {

// kOther: one that RFC 9110 or 5789 defines and no route has (405); kUnheardOf: any other token (501).
enum class Method : std::uint8_t { kGet, kPost, kPut, kDelete, kOther, kUnheardOf };
std::string_view method_name(Method method);  // "GET"; "OTHER" for the last two

struct Request {
    Method method = Method::kOther;
    std::string path;                                        // as sent, without the query
    std::vector<std::pair<std::string, std::string>> query;  // as sent: not percent-decoded
    std::string body;
    // In its place, where the route takes large bodies and this one is (GateLimits::body_bytes).
    std::shared_ptr<SpoolFile> body_file;
    std::string content_type;
    std::string idempotency_key;
    bool has_idempotency_key = false;
    // nginx's $ssl_client_escaped_cert: to be believed because only nginx can reach the socket. Only the
    // `api` face fills it in; on the `public` face it stays empty whatever the client sent.
    std::string client_certificate;

    std::optional<std::string_view> query_value(std::string_view name) const;
};

struct Response {
    int status = 200;
    std::string content_type;  // empty: no body
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::shared_ptr<SpoolFile> body_file{};  // in place of `body`, for what is large
};

// Where answers go. Thread-safe; takes answers to connections that are gone, and drops them.
class AnswerSink {
 public:
    virtual ~AnswerSink() = default;
    virtual void deliver(std::uint64_t exchange, Response response) noexcept = 0;
};

// The right to answer one request, once, from any thread. Copies share the right: the first send() counts,
// later ones do nothing. When the last copy goes unanswered, the client gets 503.
class Responder {
 public:
    // Sees the answer's status just before it leaves. Called once, on the answering thread; must not throw.
    using Observer = std::function<void(int status)>;

    Responder() = default;
    Responder(std::shared_ptr<AnswerSink> sink, std::uint64_t exchange);
    void observe(Observer observer);  // before the first send()
    void send(Response response) const;

 private:
    struct State;
    std::shared_ptr<State> state_;
};

// The answer of a face that has no better words (problem+json, RFC 9457): errors of the
// transport, faults in handlers.
Response plain_problem(int status, std::string_view title, std::string_view detail);

}  // namespace sigillo::api
