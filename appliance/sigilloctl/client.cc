#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/base/encoding.h"
#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/certificate.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {
namespace {

nlohmann::json json_of(const sam::Client& client) {
    return {{"clientID", client.client_id()},
            {"tenant", client.tenant()},
            {"name", client.name()},
            {"spkiSHA256", hex_encode(as_bytes(client.spki_sha256()))},
            {"created", time_text(client.created_ms())},
            {"removed", client.removed()}};
}

struct AddArguments {
    std::string tenant;
    std::string name;
    std::string certificate;
    std::string spki;
    std::string reason;
};

Status add(const Context& context, const AddArguments& arguments) {
    sam::AdminRequest request;
    request.mutable_officer()->set_reason(arguments.reason);
    sam::ClientAdd& order = *request.mutable_client_add();
    order.set_tenant(arguments.tenant);
    order.set_name(arguments.name);
    if (!arguments.certificate.empty()) {
        SIGILLO_ASSIGN(const Sha256Value spki, spki_of_certificate(arguments.certificate));
        order.set_spki_sha256(std::string(as_text(spki)));
    } else {
        SIGILLO_ASSIGN(const Bytes spki, hex_decode(arguments.spki));
        order.set_spki_sha256(std::string(as_text(spki)));
    }
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    const sam::Client& client = response.client();
    if (context.json) {
        print_json(json_of(client));
    } else {
        print(fields({{"Client", client.client_id()},
                      {"Tenant", client.tenant()},
                      {"Name", client.name()},
                      {"SPKI SHA-256", hex_encode(as_bytes(client.spki_sha256()))}}));
    }
    return {};
}

Status list(const Context& context) {
    sam::AdminRequest request;
    request.mutable_client_list();
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    if (context.json) {
        auto all = nlohmann::json::array();
        for (const auto& client : response.clients().clients()) all.push_back(json_of(client));
        print_json(all);
        return {};
    }
    Table table({"CLIENT", "TENANT", "NAME", "SPKI SHA-256", "CREATED", "STATE"});
    for (const auto& client : response.clients().clients())
        table.add({client.client_id(), client.tenant(), client.name(),
                   hex_encode(as_bytes(client.spki_sha256())), time_text(client.created_ms()),
                   client.removed() ? "removed" : "active"});
    print(table.text("clients"));
    return {};
}

Status remove(const Context& context, const std::string& id, const std::string& reason) {
    sam::AdminRequest request;
    request.mutable_officer()->set_reason(reason);
    request.mutable_client_remove()->set_client_id(id);
    SIGILLO_TRY(ask(context, std::move(request)));
    if (context.json) {
        print_json({{"clientID", id}, {"removed", true}});
    } else {
        print("Client " + id + " is removed: its certificate opens nothing any more.");
    }
    return {};
}

}  // namespace

void add_client(CLI::App& app, Context& context) {
    auto* noun = app.add_subcommand("client", "Signature applications that may use the API");
    noun->require_subcommand(1);

    auto* adding = noun->add_subcommand("add", "Register an application by its TLS certificate");
    auto arguments = std::make_shared<AddArguments>();
    adding->add_option("--tenant", arguments->tenant, "To whom the client and all that it creates belong")
        ->required()
        ->check(tenant_argument())
        ->type_name("TENANT");
    adding->add_option("--name", arguments->name, "What people call it")->required()->type_name("TEXT");
    auto* key = adding->add_option_group("key", "The client's key: exactly one of");
    key->add_option("--cert", arguments->certificate, "Its certificate, PEM")
        ->type_name("FILE")
        ->check(CLI::ExistingFile);
    key->add_option("--spki", arguments->spki, "SHA-256 of its SubjectPublicKeyInfo, 64 hex digits")
        ->type_name("HEX")
        ->check([](const std::string& text) {
            return text.size() == 64 && hex_decode(text) ? std::string() : "64 digits 0-9 a-f are needed";
        });
    key->require_option(1);
    reason_option(*adding, arguments->reason);
    adding->footer(
        "A certificate renewed with the same key needs no new registration.\n\nExamples:\n"
        "  sigilloctl client add --tenant bank --name 'signing portal' --cert portal.pem\n"
        "  openssl x509 -in portal.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum\n"
        "  sigilloctl client add --tenant bank --name 'signing portal' --spki 3b7e...");
    adding->callback(
        [&context, arguments] { context.run = [&context, arguments] { return add(context, *arguments); }; });

    auto* listing = noun->add_subcommand("list", "All clients, removed ones included");
    listing->footer("Examples:\n  sigilloctl client list\n  sigilloctl client list --json");
    listing->callback([&context] { context.run = [&context] { return list(context); }; });

    auto* removing =
        noun->add_subcommand("remove", "Refuse an application from now on; its signers and keys stay");
    auto id = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    removing->add_option("client", *id, "The client's id")
        ->required()
        ->check(id_argument())
        ->type_name("CLIENT");
    reason_option(*removing, *reason);
    removing->footer("Examples:\n  sigilloctl client remove 0f3a... --reason 'contract ended'");
    removing->callback([&context, id, reason] {
        context.run = [&context, id, reason] { return remove(context, *id, *reason); };
    });
}

}  // namespace sigillo::ctl
