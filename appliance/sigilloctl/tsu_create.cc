// sigilloctl tsu create, request, import: from a key to a certificate.
#include <CLI/CLI.hpp>
#include <memory>

#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/certificate.h"
#include "appliance/sigilloctl/tsu_commands.h"
#include "appliance/sigilloctl/tsu_output.h"

namespace sigillo::ctl {
namespace {

struct CreateArguments {
    std::string name;
    std::string algorithm = "EC-P256";
    std::string country;
    std::string organization;
    std::string organization_identifier;
    std::string common_name;
    std::vector<std::string> policies;
    bool embedded = false;
    bool activate = false;
    std::string csr;
    std::string reason;
};

Status create(const Context& context, const CreateArguments& arguments) {
    sam::AdminRequest request;
    request.mutable_officer()->set_reason(arguments.reason);
    sam::TsuCreate& order = *request.mutable_tsu_create();
    order.set_name(arguments.name);
    order.set_algorithm(arguments.algorithm);
    order.mutable_subject()->set_country(arguments.country);
    order.mutable_subject()->set_organization(arguments.organization);
    order.mutable_subject()->set_organization_identifier(arguments.organization_identifier);
    order.mutable_subject()->set_common_name(arguments.common_name);
    for (const std::string& policy : arguments.policies) order.add_policies(policy);
    order.set_certificate_source(arguments.embedded ? "embedded" : "csr");
    order.set_activate(arguments.activate);
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    return print_created(context, response.tsu_created(), arguments.csr);
}

void add_create(CLI::App& noun, Context& context) {
    auto* command = noun.add_subcommand("create", "Make a unit's key, and ask for its certificate");
    auto arguments = std::make_shared<CreateArguments>();
    command->add_option("--name", arguments->name, "What officers call it")->required()->type_name("TEXT");
    command->add_option("--algorithm", arguments->algorithm, "EC-P256, EC-P384, RSA-2048, RSA-3072, RSA-4096")
        ->type_name("ALGORITHM")
        ->check(CLI::IsMember({"EC-P256", "EC-P384", "RSA-2048", "RSA-3072", "RSA-4096"}))
        ->capture_default_str();
    command->add_option("--country", arguments->country, "Subject: country of the trust service, ISO 3166")
        ->required()
        ->type_name("CC");
    command->add_option("--organization", arguments->organization, "Subject: name of the trust service")
        ->required()
        ->type_name("TEXT");
    command
        ->add_option("--organization-identifier", arguments->organization_identifier,
                     "Subject: e.g. VATIT-12345678901 (EN 319 412-3)")
        ->type_name("TEXT");
    command->add_option("--common-name", arguments->common_name, "Subject: the unit itself")
        ->required()
        ->type_name("TEXT");
    command->add_option("--policy", arguments->policies, "Only tokens of this policy; may be repeated")
        ->type_name("OID");
    command->add_flag("--embedded", arguments->embedded, "Certified at once by the embedded CA");
    command->add_flag("--activate", arguments->activate, "It serves at once (with --embedded)");
    command->add_option("--csr", arguments->csr, "Write the request for a certificate here, PEM")
        ->type_name("FILE");
    reason_option(*command, arguments->reason);
    command->footer(
        "Examples:\n"
        "  sigilloctl tsu create --name 'TSU 2026' --country IT --organization 'Trust SpA'\n"
        "      --organization-identifier VATIT-12345678901 --common-name 'Trust SpA TSU 2026' --csr tsu.csr\n"
        "  sigilloctl tsu create --name try --country IT --organization Sigillo --common-name 'TSU 1'\n"
        "      --embedded --activate");
    command->callback([&context, arguments] {
        context.run = [&context, arguments] { return create(context, *arguments); };
    });
}

struct ImportArguments {
    std::string unit;
    std::string chain;
    bool activate = false;
    std::string reason;
};

void add_import(CLI::App& noun, Context& context) {
    auto* command = noun.add_subcommand("import", "Give a unit its certificate");
    auto arguments = std::make_shared<ImportArguments>();
    command->add_option("unit", arguments->unit, "The unit's id")
        ->required()
        ->check(id_argument())
        ->type_name("UNIT");
    command->add_option("--chain", arguments->chain, "PEM: the unit's certificate, then its issuers'")
        ->required()
        ->check(CLI::ExistingFile)
        ->type_name("FILE");
    command->add_flag("--activate", arguments->activate, "It serves at once, beside those that do");
    reason_option(*command, arguments->reason);
    command->footer(
        "Examples:\n  sigilloctl tsu import 9a0364b9e99bb480dd25e1f0284c8555 --chain tsu-chain.pem "
        "--activate");
    command->callback([&context, arguments] {
        context.run = [&context, arguments]() -> Status {
            sam::AdminRequest request;
            request.mutable_officer()->set_reason(arguments->reason);
            sam::TsuImport& order = *request.mutable_tsu_import();
            order.set_tsu_id(arguments->unit);
            order.set_activate(arguments->activate);
            SIGILLO_ASSIGN(const auto chain, certificates_of(arguments->chain));
            for (const Bytes& der : chain) order.add_chain(der.data(), der.size());
            SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
            return show_unit(context, response);
        };
    });
}

void add_request(CLI::App& noun, Context& context) {
    auto* command = noun.add_subcommand("request", "The request for a unit's certificate, once more");
    auto unit = std::make_shared<std::string>();
    auto csr = std::make_shared<std::string>();
    command->add_option("unit", *unit, "The unit's id")->required()->check(id_argument())->type_name("UNIT");
    command->add_option("--csr", *csr, "Write it here, PEM")->type_name("FILE");
    command->footer("Examples:\n  sigilloctl tsu request 9a0364b9e99bb480dd25e1f0284c8555 --csr tsu.csr");
    command->callback([&context, unit, csr] {
        context.run = [&context, unit, csr]() -> Status {
            sam::AdminRequest request;
            request.mutable_tsu_request()->set_tsu_id(*unit);
            SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
            return print_created(context, response.tsu_created(), *csr);
        };
    });
}

}  // namespace

void add_tsu_making(CLI::App& noun, Context& context) {
    add_create(noun, context);
    add_request(noun, context);
    add_import(noun, context);
}

}  // namespace sigillo::ctl
