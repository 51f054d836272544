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
    auto* command = noun->add_subcommand("unlock", "Let factors be tried again after too many wrong tries");
    struct Which {
        std::string credential;
        std::string factor;
        std::string reason;
    };
    auto which = std::make_shared<Which>();
    auto* one = command->add_option_group("which", "")->require_option(1);
    one->add_option("--credential", which->credential, "All factors that this credential binds")
        ->check(id_argument())
        ->type_name("CREDENTIAL");
    one->add_option("--factor", which->factor, "One factor, which may be bound to no credential yet")
        ->check(id_argument())
        ->type_name("FACTOR");
    reason_option(*command, which->reason);
    command->footer(
        "Sets the count of wrong tries to 0. Ask first who tried: fifty wrong tries are rarely a typing "
        "error.\n\n"
        "Examples:\n"
        "  sigilloctl factor unlock --credential 9a0364b9e99bb480dd25e1f0284c8555 --reason 'signer called, "
        "ticket 4711'\n"
        "  sigilloctl factor unlock --factor 4be1f0284c85559a0364b9e99bb480dd --reason 'PIN change, ticket "
        "4712'");
    command->callback([&context, which] {
        context.run = [&context, which]() -> Status {
            sam::AdminRequest request;
            request.mutable_officer()->set_reason(which->reason);
            auto& unlock = *request.mutable_unlock_factors();
            unlock.set_credential_id(which->credential);
            unlock.set_factor_id(which->factor);
            SIGILLO_TRY(ask(context, std::move(request)));
            const bool of_credential = !which->credential.empty();
            if (context.json) {
                print_json({{of_credential ? "credentialID" : "factorID",
                             of_credential ? which->credential : which->factor},
                            {"locked", false}});
            } else if (of_credential) {
                print("The factors of credential " + which->credential + " are unlocked.");
            } else {
                print("Factor " + which->factor + " is unlocked.");
            }
            return {};
        };
    });
}

}  // namespace sigillo::ctl
