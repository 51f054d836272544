#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {
namespace {

nlohmann::json json_of(const sam::Status& status) {
    auto items = nlohmann::json::array();
    for (const auto& item : status.health().items())
        items.push_back({{"name", item.name()}, {"state", item.state()}, {"reason", item.reason()}});
    auto metrics = nlohmann::json::object();
    for (const auto& [name, value] : status.health().metrics()) metrics[name] = value;
    return {{"state", status.health().state()},
            {"version", status.version()},
            {"started", time_text(status.started_ms())},
            {"origin", status.origin()},
            {"epoch", status.epoch()},
            {"logSize", status.log_size()},
            {"clients", status.clients()},
            {"items", std::move(items)},
            {"metrics", std::move(metrics)}};
}

Status show_status(const Context& context) {
    sam::AdminRequest request;
    request.mutable_get_status();
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    const sam::Status& status = response.status();
    if (context.json) {
        print_json(json_of(status));
    } else {
        print(fields({{"State", status.health().state()},
                      {"Version", status.version()},
                      {"Started", time_text(status.started_ms())},
                      {"Log origin", status.origin()},
                      {"Log epoch", std::to_string(status.epoch())},
                      {"Log size", std::to_string(status.log_size()) + " entries"},
                      {"Clients", std::to_string(status.clients())}}));
        Table table({"PART", "STATE", "REASON"});
        for (const auto& item : status.health().items())
            table.add({item.name(), item.state(), item.reason()});
        print("\n" + table.text(""));
    }
    if (status.health().state() != "failed") return {};
    return fail(Errc::kUnavailable, "the appliance is out of service: the parts in state 'failed' say why");
}

}  // namespace

void add_status(CLI::App& app, Context& context) {
    auto* command = app.add_subcommand("status", "Whether the appliance works, and what is degraded and why");
    command->footer(
        "Exit status 1 when the state is 'failed'; 'degraded' is 0.\n\nExamples:\n"
        "  sigilloctl status\n"
        "  sigilloctl status --json | jq '.items[] | select(.state != \"ok\")'");
    command->callback([&context] { context.run = [&context] { return show_status(context); }; });
}

}  // namespace sigillo::ctl
