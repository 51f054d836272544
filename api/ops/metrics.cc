#include "api/metrics.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "api/ops/handlers.h"

namespace sigillo::api::ops {
namespace {

bool is_metric_name(std::string_view name) {
    return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == ':';
           });
}

std::string lines(const std::map<std::string, double>& sorted) {
    std::string out;
    for (const auto& [name, value] : sorted) {
        if (!is_metric_name(name)) continue;
        char text[32];
        std::snprintf(text, sizeof text, "%.17g", value);
        out.append("# TYPE ").append(name).append(" untyped\n");
        out.append(name).append(" ").append(text).append("\n");
    }
    return out;
}

Response exposition(std::string text) {
    return {.status = 200,
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = std::move(text),
            .headers = {}};
}

}  // namespace

void metrics(Call& call) {
    auto question = call.ask();
    question.mutable_get_health();
    std::string own = call.services.metrics.render(call.services.http_counters());
    call.services.signing->call(
        std::move(question), sam::SigningResponse::kHealth,
        [responder = call.responder, fetcher = call.services.fetcher,
         own = std::move(own)](Result<sam::SigningResponse> answer) {
            std::string text =
                own + "# HELP sigillo_up Whether sigillod answers.\n# TYPE sigillo_up gauge\nsigillo_up " +
                (answer ? "1\n" : "0\n");
            if (answer) text += lines({answer->health().metrics().begin(), answer->health().metrics().end()});
            // What others may not learn (sigillod decides) sigillo-fetch does not tell them either.
            if (fetcher == nullptr || !answer || answer->health().metrics().empty()) {
                responder.send(exposition(std::move(text)));
                return;
            }
            fetcher->health([responder, text = std::move(text)](const Result<fetch::HealthReport>& report) {
                std::string all = text +
                                  "# HELP sigillo_fetch_up Whether sigillo-fetch answers.\n# TYPE "
                                  "sigillo_fetch_up gauge\nsigillo_fetch_up " +
                                  (report ? "1\n" : "0\n");
                if (report) all += lines({report->metrics.begin(), report->metrics.end()});
                responder.send(exposition(std::move(all)));
            });
        });
}

}  // namespace sigillo::api::ops
