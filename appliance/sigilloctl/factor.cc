#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {

void add_factor(CLI::App& app, Context& context) {
    auto* noun = app.add_subcommand("factor", "What signers show to activate their keys");
    noun->require_subcommand(1);
    auto* command =
        noun->add_subcommand("unlock", "Let a credential be tried again after too many wrong factors");
    auto id = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    command->add_option("--credential", *id, "The credential's id")
        ->required()
        ->check(id_argument())
        ->type_name("CREDENTIAL");
    reason_option(*command, *reason);
    command->footer(
        "Sets the count of wrong tries to 0. Ask first who tried: fifty wrong tries are rarely a typing "
        "error.\n\n"
        "Examples:\n"
        "  sigilloctl factor unlock --credential 9a0364b9e99bb480dd25e1f0284c8555 --reason 'signer called, "
        "ticket 4711'");
    command->callback([&context, id, reason] {
        context.run = [&context, id, reason]() -> Status {
            sam::AdminRequest request;
            request.mutable_officer()->set_reason(*reason);
            request.mutable_unlock_factors()->set_credential_id(*id);
            SIGILLO_TRY(ask(context, std::move(request)));
            if (context.json) {
                print_json({{"credentialID", *id}, {"locked", false}});
            } else {
                print("The factors of credential " + *id + " are unlocked.");
            }
            return {};
        };
    });
}

}  // namespace sigillo::ctl
