#include "api/http/exchange.h"

#include <atomic>

#include "api/json/writer.h"

namespace sigillo::api {

std::string_view method_name(Method method) {
    switch (method) {
        case Method::kGet:
            return "GET";
        case Method::kPost:
            return "POST";
        case Method::kPut:
            return "PUT";
        case Method::kDelete:
            return "DELETE";
        case Method::kOther:
        case Method::kUnheardOf:
            return "OTHER";
    }
    return "OTHER";
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
    for (const auto& [key, value] : query)
        if (key == name) return value;
    return std::nullopt;
}

struct Responder::State {
    State(std::shared_ptr<AnswerSink> s, std::uint64_t e) : sink(std::move(s)), exchange(e) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (!answered.exchange(true))
            finish(plain_problem(503, "Service Unavailable", "the request was given up; try again"));
    }
    void finish(Response response) {
        if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
        if (observer) observer(response.status);
        sink->deliver(exchange, std::move(response));
    }
    const std::shared_ptr<AnswerSink> sink;
    const std::uint64_t exchange;
    std::atomic<bool> answered{false};
    Observer observer;
};

Responder::Responder(std::shared_ptr<AnswerSink> sink, std::uint64_t exchange)
    : state_(std::make_shared<State>(std::move(sink), exchange)) {}

void Responder::observe(Observer observer) {
    state_->observer = std::move(observer);
}

void Responder::send(Response response) const {
    if (!state_->answered.exchange(true)) state_->finish(std::move(response));
}

Response plain_problem(int status, std::string_view title, std::string_view detail) {
    json::Writer out;
    out.begin_object();
    out.key("type").string("about:blank");
    out.key("title").string(title);
    out.key("status").integer(status);
    out.key("detail").string(detail);
    out.end_object();
    return {.status = status, .content_type = "application/problem+json", .body = out.take(), .headers = {}};
}

}  // namespace sigillo::api
