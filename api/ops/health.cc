#include "api/documents/service.h"
#include "api/json/writer.h"
#include "api/ops/handlers.h"

namespace sigillo::api::ops {
namespace {

void write_item(json::Writer& out, std::string_view name, std::string_view state, std::string_view reason) {
    out.begin_object()
        .member("name", name)
        .member("state", state)
        .optional_member("reason", reason)
        .end_object();
}

Response unreachable() {
    json::Writer out;
    out.begin_object().member("state", "failed").key("items").begin_array();
    write_item(out, "sigillod", "failed", "it does not answer");
    out.end_array().end_object();
    return json_response(503, out.take());
}

Response healthy(const sam::Health& health) {
    json::Writer out;
    out.begin_object().member("state", health.state()).key("items").begin_array();
    for (const auto& item : health.items()) write_item(out, item.name(), item.state(), item.reason());
    out.end_array().end_object();
    return json_response(health.state() == "failed" ? 503 : 200, out.take());
}

// Degraded at the worst: without sigillo-fetch and sigillo-doc keys still sign.
void add(sam::Health& health, const std::string& name, bool good, const std::string& reason) {
    sam::HealthItem& item = *health.add_items();
    item.set_name(name);
    item.set_state(good ? "ok" : "degraded");
    item.set_reason(reason);
    if (!good && health.state() == "ok") health.set_state("degraded");
}

}  // namespace

void health(Call& call) {
    auto question = call.ask();
    question.mutable_get_health();
    call.services.signing->call(
        std::move(question), sam::SigningResponse::kHealth,
        [responder = call.responder, fetcher = call.services.fetcher,
         documents = call.services.documents](Result<sam::SigningResponse> answer) {
            if (answer && documents != nullptr) {
                const bool there = documents->doc_answers();
                add(*answer->mutable_health(), "documents", there,
                    there ? "" : "sigillo-doc does not answer: documents cannot be signed");
            }
            if (!answer || fetcher == nullptr) {
                responder.send(answer ? healthy(answer->health()) : unreachable());
                return;
            }
            fetcher->health(
                [responder, health = answer->health()](const Result<fetch::HealthReport>& report) {
                    sam::Health all = health;
                    add(all, "fetch", report.has_value(), report ? "" : "sigillo-fetch does not answer");
                    if (report)
                        for (const fetch::HealthItem& item : report->items)
                            add(all, item.name, item.state == "ok", item.reason);
                    responder.send(healthy(all));
                });
        });
}

}  // namespace sigillo::api::ops
