#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {
namespace {

std::string full_name(const sam::Person& person) {
    return person.given() + (person.given().empty() || person.family().empty() ? "" : " ") + person.family();
}

nlohmann::json json_of(const sam::Signer& signer) {
    const sam::Person& person = signer.person();
    auto identifiers = nlohmann::json::array();
    for (const auto& identifier : person.identifiers())
        identifiers.push_back({{"type", identifier.type()}, {"value", identifier.value()}});
    return {{"signerID", signer.signer_id()},
            {"tenant", signer.tenant()},
            {"name", {{"given", person.given()}, {"family", person.family()}}},
            {"country", person.country()},
            {"organization", person.organization()},
            {"email", person.email()},
            {"phone", person.phone()},
            {"language", person.language()},
            {"identifiers", std::move(identifiers)},
            {"identification",
             {{"method", person.identification().method()},
              {"reference", person.identification().reference()},
              {"time", person.identification().time()}}},
            {"externalReference", person.external_reference()},
            {"created", time_text(signer.created_ms())}};
}

Status list(const Context& context, const std::string& tenant, std::size_t most) {
    const auto fetch = [&](const std::string& after,
                           std::uint32_t limit) -> Result<google::protobuf::RepeatedPtrField<sam::Signer>> {
        sam::AdminRequest request;
        request.mutable_list_signers()->set_tenant(tenant);
        request.mutable_list_signers()->mutable_page()->set_after(after);
        request.mutable_list_signers()->mutable_page()->set_limit(limit);
        SIGILLO_ASSIGN(sam::AdminResponse response, ask(context, std::move(request)));
        return std::move(*response.mutable_signers()->mutable_signers());
    };
    SIGILLO_ASSIGN(const auto signers, read_pages<sam::Signer>(most, fetch, [](const sam::Signer& signer) {
                       return signer.signer_id();
                   }));
    if (context.json) {
        auto all = nlohmann::json::array();
        for (const auto& signer : signers) all.push_back(json_of(signer));
        print_json(all);
        return {};
    }
    Table table({"SIGNER", "TENANT", "NAME", "COUNTRY", "ORGANIZATION", "CREATED"});
    for (const auto& signer : signers)
        table.add({signer.signer_id(), signer.tenant(), full_name(signer.person()), signer.person().country(),
                   signer.person().organization(), time_text(signer.created_ms())});
    print(table.text("signers"));
    return {};
}

Status show(const Context& context, const std::string& id) {
    sam::AdminRequest request;
    request.mutable_get_signer()->set_signer_id(id);
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    const sam::Signer& signer = response.signer();
    if (context.json) {
        print_json(json_of(signer));
        return {};
    }
    const sam::Person& person = signer.person();
    std::vector<std::pair<std::string, std::string>> lines{{"Signer", signer.signer_id()},
                                                           {"Tenant", signer.tenant()},
                                                           {"Name", full_name(person)},
                                                           {"Country", person.country()},
                                                           {"Organization", person.organization()},
                                                           {"E-mail", person.email()},
                                                           {"Phone", person.phone()},
                                                           {"Language", person.language()}};
    for (const auto& identifier : person.identifiers())
        lines.emplace_back("Identifier", identifier.type() + " " + identifier.value());
    if (person.has_identification())
        lines.emplace_back("Identified", person.identification().method() + ", " +
                                             person.identification().reference() + ", " +
                                             person.identification().time());
    lines.emplace_back("External reference", person.external_reference());
    lines.emplace_back("Created", time_text(signer.created_ms()));
    print(fields(lines));
    return {};
}

}  // namespace

void add_signer(CLI::App& app, Context& context) {
    auto* noun = app.add_subcommand("signer", "People (and legal entities) whose signatures are made here");
    noun->require_subcommand(1);

    auto* listing = noun->add_subcommand("list", "Signers of one tenant or of all");
    auto tenant = std::make_shared<std::string>();
    auto most = std::make_shared<std::size_t>(0);
    listing->add_option("--tenant", *tenant, "Only this tenant's")
        ->check(tenant_argument())
        ->type_name("TENANT");
    listing->add_option("--limit", *most, "At most so many; 0: all")
        ->type_name("NUMBER")
        ->capture_default_str();
    listing->footer(
        "Examples:\n  sigilloctl signer list --tenant bank\n  sigilloctl signer list --limit 20 --json");
    listing->callback([&context, tenant, most] {
        context.run = [&context, tenant, most] { return list(context, *tenant, *most); };
    });

    auto* showing = noun->add_subcommand("show", "All that is held about one signer");
    auto id = std::make_shared<std::string>();
    showing->add_option("signer", *id, "The signer's id")
        ->required()
        ->check(id_argument())
        ->type_name("SIGNER");
    showing->footer(
        "This is personal data: use it for what you were asked only.\n\nExamples:\n"
        "  sigilloctl signer show 5d41402abc4b2a76b9719d911017c592");
    showing->callback([&context, id] { context.run = [&context, id] { return show(context, *id); }; });
}

}  // namespace sigillo::ctl
