#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"
#include "appliance/sigilloctl/tsu_commands.h"
#include "appliance/sigilloctl/tsu_output.h"

namespace sigillo::ctl {
namespace {

Status list(const Context& context) {
    sam::AdminRequest request;
    request.mutable_tsu_list();
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    if (context.json) {
        auto all = nlohmann::json::array();
        for (const auto& unit : response.tsus().units()) all.push_back(json_of(unit));
        print_json(all);
        return {};
    }
    Table table({"UNIT", "NAME", "KEY", "STATE", "KEY IN USE UNTIL", "TROUBLE"});
    for (const auto& unit : response.tsus().units())
        table.add({unit.tsu_id(), unit.name(), unit.key_algorithm(), unit.state(),
                   time_text(unit.usage_until_ms()), unit.trouble()});
    print(table.text("units"));
    return {};
}

Status show_status(const Context& context) {
    sam::AdminRequest request;
    request.mutable_get_tsa_status();
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    const sam::TsaStatus& status = response.tsa_status();
    auto policies = nlohmann::json::array();
    std::string policy_text;
    for (const std::string& policy : status.policies()) {
        policies.push_back(policy);
        policy_text += (policy_text.empty() ? "" : ", ") + policy;
    }
    // Without a look at the clock there is no figure for its error.
    const bool looked = status.time_state() != "unchecked";
    if (context.json) {
        auto refused = nlohmann::json::object();
        for (const auto& [failure, count] : status.refused()) refused[failure] = count;
        print_json({{"time",
                     {{"state", status.time_state()},
                      {"reason", status.time_reason()},
                      {"errorMicroseconds", looked ? nlohmann::json(status.clock_error_us()) : nullptr},
                      {"accuracyMicroseconds", status.accuracy_us()},
                      {"sources", status.time_sources()},
                      {"announcement", status.announcement()}}},
                    {"policies", std::move(policies)},
                    {"unitsInService", status.units_in_service()},
                    {"tokens", status.tokens()},
                    {"refused", std::move(refused)},
                    {"origin", status.origin()},
                    {"epoch", status.epoch()},
                    {"logSize", status.log_size()},
                    {"freeBytes", status.free_bytes()},
                    {"checkpoint", status.checkpoint()},
                    {"vkey", status.vkey()}});
        return {};
    }
    print(
        fields({{"Clock", status.time_state()},
                {"Reason", status.time_reason()},
                {"Clock's error", looked ? std::to_string(status.clock_error_us()) + " us" : "not looked at"},
                {"Accuracy stated", std::to_string(status.accuracy_us()) + " us"},
                {"Time sources", std::to_string(status.time_sources())},
                {"Leap second", status.announcement()},
                {"Policies", policy_text},
                {"Units in service", std::to_string(status.units_in_service())},
                {"Tokens since start", std::to_string(status.tokens())},
                {"Log origin", status.origin()},
                {"Log epoch", std::to_string(status.epoch())},
                {"Log size", std::to_string(status.log_size()) + " entries"},
                {"Verifier key", status.vkey()}}));
    return {};
}

}  // namespace

void add_tsu(CLI::App& app, Context& context) {
    auto* noun = app.add_subcommand("tsu", "Time-stamping units: a key and its certificate each");
    noun->require_subcommand(1);
    auto* listing = noun->add_subcommand("list", "All units, destroyed ones included");
    listing->footer(
        "Examples:\n  sigilloctl tsu list\n"
        "  sigilloctl tsu list --json | jq '.[] | select(.state == \"active\")'");
    listing->callback([&context] { context.run = [&context] { return list(context); }; });
    add_tsu_making(*noun, context);
    add_tsu_orders(*noun, context);

    auto* status = noun->add_subcommand("status", "The TSA: clock, policies, units in service, its log");
    status->footer("Examples:\n  sigilloctl tsu status\n  sigilloctl tsu status --json | jq -r .vkey");
    status->callback([&context] { context.run = [&context] { return show_status(context); }; });
}

}  // namespace sigillo::ctl
