#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"
#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/certificate.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {
namespace {

nlohmann::json json_of(const sam::Tsu& unit) {
    auto chain = nlohmann::json::array();
    for (const auto& certificate : unit.chain())
        chain.push_back({{"subjectDN", certificate.subject_dn()},
                         {"issuerDN", certificate.issuer_dn()},
                         {"serialNumber", certificate.serial_hex()},
                         {"validFrom", time_text(certificate.not_before_ms())},
                         {"validTo", time_text(certificate.not_after_ms())},
                         {"der", base64_encode(as_bytes(certificate.der()))}});
    auto policies = nlohmann::json::array();
    for (const std::string& policy : unit.policies()) policies.push_back(policy);
    return {{"unitID", unit.tsu_id()},
            {"name", unit.name()},
            {"state", unit.state()},
            {"keyAlgorithm", unit.key_algorithm()},
            {"policies", std::move(policies)},
            {"subject",
             {{"country", unit.subject().country()},
              {"organization", unit.subject().organization()},
              {"organizationIdentifier", unit.subject().organization_identifier()},
              {"commonName", unit.subject().common_name()}}},
            {"chain", std::move(chain)},
            {"created", time_text(unit.created_ms())},
            {"usageFrom", time_text(unit.usage_from_ms())},
            {"usageUntil", time_text(unit.usage_until_ms())},
            {"activated", time_text(unit.activated_ms())},
            {"retired", time_text(unit.retired_ms())},
            {"destroyed", time_text(unit.destroyed_ms())},
            {"trouble", unit.trouble()}};
}

void print_unit(const sam::Tsu& unit) {
    std::vector<std::pair<std::string, std::string>> lines{
        {"Unit", unit.tsu_id()},
        {"Name", unit.name()},
        {"State", unit.state()},
        {"Trouble", unit.trouble()},
        {"Key", unit.key_algorithm()},
        {"Key in use", time_text(unit.usage_from_ms()) + " to " + time_text(unit.usage_until_ms())},
        {"Created", time_text(unit.created_ms())}};
    for (const auto& certificate : unit.chain()) {
        lines.emplace_back("Certificate", certificate.subject_dn());
        lines.emplace_back("  issuer", certificate.issuer_dn());
        lines.emplace_back("  serial", certificate.serial_hex());
        lines.emplace_back("  valid", time_text(certificate.not_before_ms()) + " to " +
                                          time_text(certificate.not_after_ms()));
    }
    print(fields(lines));
}

Status show(const Context& context, const sam::AdminResponse& response) {
    if (context.json)
        print_json(json_of(response.tsu()));
    else
        print_unit(response.tsu());
    return {};
}

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

std::string pem_of(const std::string& der) {
    std::string text = base64_encode(as_bytes(der));
    std::string out = "-----BEGIN CERTIFICATE REQUEST-----\n";
    for (std::size_t i = 0; i < text.size(); i += 64) out += text.substr(i, 64) + "\n";
    return out + "-----END CERTIFICATE REQUEST-----";
}

Status print_created(const Context& context, const sam::TsuCreated& created, const std::string& csr_path) {
    if (!csr_path.empty() && !created.csr().empty())
        SIGILLO_TRY(write_file_durably(csr_path, as_bytes(pem_of(created.csr()) + "\n"), 0644));
    if (context.json) {
        auto json = json_of(created.unit());
        if (!created.csr().empty()) json["csr"] = base64_encode(as_bytes(created.csr()));
        print_json(json);
        return {};
    }
    print_unit(created.unit());
    if (!created.csr().empty())
        print(csr_path.empty() ? "\n" + pem_of(created.csr()) : "Request        " + csr_path);
    return {};
}

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
            return show(context, response);
        };
    });
}

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
    {"retire", "Let a unit serve no more; its key is kept until destroyed",
     "Without another active unit no tokens are issued from here on: `tsu rotate` leaves no "
     "gap.\n\nExamples:\n"
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
            return show(context, response);
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
            return show(context, response);
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
    if (context.json) {
        auto refused = nlohmann::json::object();
        for (const auto& [failure, count] : status.refused()) refused[failure] = count;
        print_json({{"time",
                     {{"state", status.time_state()},
                      {"reason", status.time_reason()},
                      {"errorMicroseconds", status.clock_error_us()},
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
    print(fields({{"Clock", status.time_state()},
                  {"Reason", status.time_reason()},
                  {"Clock's error", std::to_string(status.clock_error_us()) + " us"},
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
    add_create(*noun, context);
    add_request(*noun, context);
    add_import(*noun, context);
    add_rotate(*noun, context);
    for (const Order& entry : kOrders) add_order(*noun, context, entry);

    auto* status = noun->add_subcommand("status", "The TSA: clock, policies, units in service, its log");
    status->footer("Examples:\n  sigilloctl tsu status\n  sigilloctl tsu status --json | jq -r .vkey");
    status->callback([&context] { context.run = [&context] { return show_status(context); }; });
}

}  // namespace sigillo::ctl
