#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/epoch_order.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {
namespace {

Status checkpoint(const Context& context) {
    sam::AdminRequest request;
    request.mutable_get_checkpoint();
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    if (context.json) {
        print_json({{"checkpoint", response.checkpoint().text()}, {"vkey", response.checkpoint().vkey()}});
        return {};
    }
    // As it is, line ends included: it is a signed note, to be piped into a verifier.
    std::string text = response.checkpoint().text();
    if (!text.empty() && text.back() == '\n') text.pop_back();
    print(text);
    return {};
}

Status override_refusal(const Context& context, const std::string& reason, bool of_tsa) {
    SIGILLO_ASSIGN(const Settings settings, load_settings(context));
    const auto& store = of_tsa ? settings.tsa_store_directory : settings.store_directory;
    if (of_tsa && store.empty())
        return fail(Errc::kInvalidArgument, "no TSA: the configuration has no tsa.store_directory");
    SIGILLO_TRY(require_stopped(settings));
    SIGILLO_TRY(write_epoch_order(store, reason));
    const std::string path = (store / "epoch.order").string();
    if (context.json) {
        print_json({{"order", path}, {"officer", officer_name()}, {"reason", reason}});
    } else {
        print(
            "The order is written: " + path +
            "\nAt its next start sigillod opens a new epoch of the log, whose first entry names you and the "
            "reason.\n" +
            std::string(of_tsa ? "" : "Outstanding activations become void. ") +
            "To take the order back, remove the file before the start.\n"
            "Next: systemctl start sigillod, then sigilloctl status.");
    }
    return {};
}

}  // namespace

void add_log(CLI::App& app, Context& context) {
    auto* noun = app.add_subcommand("log", "The audit log");
    noun->require_subcommand(1);

    auto* reading = noun->add_subcommand("checkpoint", "The newest signed head of the log (C2SP checkpoint)");
    reading->footer(
        "Keep one somewhere else from time to time: it is what a rollback cannot undo.\n\nExamples:\n"
        "  sigilloctl log checkpoint > checkpoint-$(date +%F)\n"
        "  sigilloctl log checkpoint --json | jq -r .vkey");
    reading->callback([&context] { context.run = [&context] { return checkpoint(context); }; });

    auto* overriding = noun->add_subcommand("override", "Order a new epoch after sigillod refused to start");
    auto reason = std::make_shared<std::string>();
    auto of_tsa = std::make_shared<bool>(false);
    reason_option(*overriding, *reason)->required();
    overriding->add_flag("--tsa", *of_tsa, "The log of the time-stamping authority");
    overriding->footer(
        "For the case that sigillod found its store older than, or not in agreement with, the newest "
        "published\n"
        "checkpoint, and refuses to start. First find out why: it may be an attack. The order stays in the "
        "log\n"
        "for ever. sigillod must be stopped; run this as the owner of the store or as root.\n\nExamples:\n"
        "  sigilloctl log override --reason 'disk replaced, store restored from 2026-11-20, ticket 4711'\n"
        "  sigilloctl log override --tsa --reason 'disk of the time stamps replaced, ticket 4711'");
    overriding->callback([&context, reason, of_tsa] {
        context.run = [&context, reason, of_tsa] { return override_refusal(context, *reason, *of_tsa); };
    });
}

}  // namespace sigillo::ctl
