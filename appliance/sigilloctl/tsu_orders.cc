// sigilloctl tsu rotate, activate, retire, revoke, destroy: what units are for, and their end.
#include <CLI/CLI.hpp>
#include <memory>

#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/tsu_commands.h"
#include "appliance/sigilloctl/tsu_output.h"

namespace sigillo::ctl {
namespace {

struct Order {
    const char* verb;
    const char* what;
    const char* footer;
    void (*fill)(sam::AdminRequest& request, const std::string& unit);
    bool reason_required;
};

constexpr Order kOrders[] = {
    {"activate", "Let a certified unit serve, beside those that do",
     "Examples:\n  sigilloctl tsu activate 9a0364b9e99bb480dd25e1f0284c8555",
     [](sam::AdminRequest& request, const std::string& unit) {
         request.mutable_tsu_activate()->set_tsu_id(unit);
     },
     false},
    {"retire", "Let a unit serve no more, for good; its key is kept until destroyed",
     "A retired unit does not come back: `tsu create` makes another. Without another active unit no tokens "
     "are\nissued from here on: `tsu rotate` leaves no gap.\n\nExamples:\n"
     "  sigilloctl tsu retire 9a0364b9e99bb480dd25e1f0284c8555 --reason 'key compromise, ticket 4711'",
     [](sam::AdminRequest& request, const std::string& unit) {
         request.mutable_tsu_retire()->set_tsu_id(unit);
     },
     true},
    {"destroy", "Destroy a unit's key in the token: there is no way back",
     "Refused while the unit is active.\n\nExamples:\n"
     "  sigilloctl tsu destroy 9a0364b9e99bb480dd25e1f0284c8555 --reason 'retired in March'",
     [](sam::AdminRequest& request, const std::string& unit) {
         request.mutable_tsu_destroy()->set_tsu_id(unit);
     },
     true},
};

void add_order(CLI::App& noun, Context& context, const Order& entry) {
    auto* command = noun.add_subcommand(entry.verb, entry.what);
    auto unit = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    command->add_option("unit", *unit, "The unit's id")->required()->check(id_argument())->type_name("UNIT");
    reason_option(*command, *reason)->required(entry.reason_required);
    command->footer(entry.footer);
    command->callback([&context, &entry, unit, reason] {
        context.run = [&context, &entry, unit, reason]() -> Status {
            sam::AdminRequest request;
            request.mutable_officer()->set_reason(*reason);
            entry.fill(request, *unit);
            SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
            return show_unit(context, response);
        };
    });
}

void add_rotate(CLI::App& noun, Context& context) {
    auto* command = noun.add_subcommand(
        "rotate", "Let one unit take another's place, with no request refused in between");
    auto from = std::make_shared<std::string>();
    auto to = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    command->add_option("from", *from, "The unit that serves")
        ->required()
        ->check(id_argument())
        ->type_name("FROM");
    command->add_option("to", *to, "The certified unit that takes its place")
        ->required()
        ->check(id_argument())
        ->type_name("TO");
    reason_option(*command, *reason);
    command->footer(
        "Examples:\n  sigilloctl tsu rotate 9a0364b9e99bb480dd25e1f0284c8555 "
        "0c9d51b2a5a7437ef3a1c7d05e2b6f44");
    command->callback([&context, from, to, reason] {
        context.run = [&context, from, to, reason]() -> Status {
            sam::AdminRequest request;
            request.mutable_officer()->set_reason(*reason);
            request.mutable_tsu_rotate()->set_from(*from);
            request.mutable_tsu_rotate()->set_to(*to);
            SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
            return show_unit(context, response);
        };
    });
}

// RFC 5280 §5.3.1, but certificateHold: a time-stamping unit's certificate is not suspended; and
// `unspecified`, which a CRL tells by naming no reason: then no token of the key is valid any more (RFC 3161
// §4).
constexpr const char* kRevocations[] = {"keyCompromise", "cACompromise",         "affiliationChanged",
                                        "superseded",    "cessationOfOperation", "privilegeWithdrawn"};

void add_revoke(CLI::App& noun, Context& context) {
    auto* command = noun.add_subcommand(
        "revoke", "Revoke a unit's certificate for good; one that serves, serves no more");
    auto unit = std::make_shared<std::string>();
    auto revocation = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    command->add_option("unit", *unit, "The unit's id")->required()->check(id_argument())->type_name("UNIT");
    command->add_option("--revocation", *revocation, "What the CRL says: keyCompromise, superseded, ...")
        ->required()
        ->check(CLI::IsMember(std::vector<std::string>(std::begin(kRevocations), std::end(kRevocations))))
        ->type_name("CRLREASON");
    reason_option(*command, *reason)->required();
    command->footer(
        "A certificate of the embedded CA is on its CRL from now on; another CA must be told by its own "
        "means.\n"
        "Tokens made before stay valid with affiliationChanged, superseded and cessationOfOperation. With "
        "any other\n"
        "reason none of the key's is to be trusted (RFC 3161, 4), but by who can show that it was there "
        "before.\n"
        "Which they are, the log says: sigillo-audit tokens --unit UNIT.\n\nExamples:\n"
        "  sigilloctl tsu revoke 9a0364b9e99bb480dd25e1f0284c8555 --revocation superseded \\\n"
        "      --reason 'ticket 4710'\n"
        "  sigilloctl tsu revoke 9a0364b9e99bb480dd25e1f0284c8555 --revocation keyCompromise \\\n"
        "      --reason 'ticket 4711'");
    command->callback([&context, unit, revocation, reason] {
        context.run = [&context, unit, revocation, reason]() -> Status {
            sam::AdminRequest request;
            request.mutable_officer()->set_reason(*reason);
            request.mutable_tsu_revoke()->set_tsu_id(*unit);
            request.mutable_tsu_revoke()->set_revocation(*revocation);
            SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
            return show_unit(context, response);
        };
    });
}

}  // namespace

void add_tsu_orders(CLI::App& noun, Context& context) {
    add_rotate(noun, context);
    for (const Order& entry : kOrders) add_order(noun, context, entry);
    add_revoke(noun, context);
}

}  // namespace sigillo::ctl
