#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/base/encoding.h"
#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {
namespace {

nlohmann::json json_of(const sam::Credential& credential) {
    auto chain = nlohmann::json::array();
    for (const auto& certificate : credential.chain())
        chain.push_back({{"subjectDN", certificate.subject_dn()},
                         {"issuerDN", certificate.issuer_dn()},
                         {"serialNumber", certificate.serial_hex()},
                         {"validFrom", time_text(certificate.not_before_ms())},
                         {"validTo", time_text(certificate.not_after_ms())},
                         {"der", base64_encode(as_bytes(certificate.der()))}});
    auto factors = nlohmann::json::object();
    for (const auto& [word, factor] : credential.factors()) factors[word] = factor;
    return {{"credentialID", credential.credential_id()},
            {"signerID", credential.signer_id()},
            {"tenant", credential.tenant()},
            {"class", credential.class_()},
            {"status", credential.status()},
            {"statusReason", credential.status_reason()},
            {"activation", credential.policy()},
            {"factors", std::move(factors)},
            {"keyAlgorithm", credential.key_algorithm()},
            {"chain", std::move(chain)},
            {"multisign", credential.multisign()},
            {"created", time_text(credential.created_ms())},
            {"locked", credential.locked()},
            {"certificateExpired", credential.certificate_expired()},
            {"signatureQualifier", credential.signature_qualifier()},
            {"qscd", credential.qscd()}};
}

std::string state_of(const sam::Credential& credential) {
    return credential.status() + (credential.locked() ? ", locked" : "") +
           (credential.certificate_expired() ? ", expired" : "");
}

Status print_credential(const Context& context, const sam::Credential& credential) {
    if (context.json) {
        print_json(json_of(credential));
        return {};
    }
    std::vector<std::pair<std::string, std::string>> lines{
        {"Credential", credential.credential_id()},
        {"Signer", credential.signer_id()},
        {"Tenant", credential.tenant()},
        {"Class", credential.class_()},
        {"State", state_of(credential)},
        {"Reason", credential.status_reason()},
        {"Key", credential.key_algorithm()},
        {"Activation", credential.policy()},
        {"Signatures at once", std::to_string(credential.multisign())},
        {"Qualifier", credential.signature_qualifier()},
        {"QSCD", credential.qscd() ? "yes" : "no"},
        {"Created", time_text(credential.created_ms())}};
    for (const auto& [word, factor] : credential.factors()) lines.emplace_back("Factor " + word, factor);
    for (const auto& certificate : credential.chain()) {
        lines.emplace_back("Certificate", certificate.subject_dn());
        lines.emplace_back("  issuer", certificate.issuer_dn());
        lines.emplace_back("  serial", certificate.serial_hex());
        lines.emplace_back("  valid", time_text(certificate.not_before_ms()) + " to " +
                                          time_text(certificate.not_after_ms()));
    }
    print(fields(lines));
    return {};
}

struct ListArguments {
    std::string tenant;
    std::string signer;
    std::size_t most = 0;
};

Status list(const Context& context, const ListArguments& arguments) {
    const auto fetch =
        [&](const std::string& after,
            std::uint32_t limit) -> Result<google::protobuf::RepeatedPtrField<sam::Credential>> {
        sam::AdminRequest request;
        sam::AdminListCredentials& body = *request.mutable_list_credentials();
        body.set_tenant(arguments.tenant);
        body.set_signer_id(arguments.signer);
        body.mutable_page()->set_after(after);
        body.mutable_page()->set_limit(limit);
        SIGILLO_ASSIGN(sam::AdminResponse response, ask(context, std::move(request)));
        return std::move(*response.mutable_credentials()->mutable_credentials());
    };
    SIGILLO_ASSIGN(const auto credentials,
                   read_pages<sam::Credential>(arguments.most, fetch, [](const sam::Credential& credential) {
                       return credential.credential_id();
                   }));
    if (context.json) {
        auto all = nlohmann::json::array();
        for (const auto& credential : credentials) all.push_back(json_of(credential));
        print_json(all);
        return {};
    }
    Table table({"CREDENTIAL", "TENANT", "SIGNER", "CLASS", "KEY", "ACTIVATION", "STATE", "CREATED"});
    for (const auto& credential : credentials)
        table.add({credential.credential_id(), credential.tenant(), credential.signer_id(),
                   credential.class_(), credential.key_algorithm(), credential.policy(), state_of(credential),
                   time_text(credential.created_ms())});
    print(table.text("credentials"));
    return {};
}

Status show(const Context& context, const std::string& id) {
    sam::AdminRequest request;
    request.mutable_get_credential()->set_credential_id(id);
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    return print_credential(context, response.credential());
}

// An answer is Done or the credential as it is now.
Status order(const Context& context, sam::AdminRequest request, const std::string& id,
             const std::string& outcome) {
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    if (context.json) {
        if (!response.has_credential()) return show(context, id);
        print_json(json_of(response.credential()));
        return {};
    }
    print("Credential " + id + " " + outcome);
    return {};
}

Status set_status(const Context& context, const std::string& id, const std::string& status,
                  const std::string& reason, const std::string& outcome) {
    sam::AdminRequest request;
    request.mutable_officer()->set_reason(reason);
    request.mutable_set_status()->set_credential_id(id);
    request.mutable_set_status()->set_status(status);
    request.mutable_set_status()->set_reason(reason);
    return order(context, std::move(request), id, outcome);
}

struct StatusCommand {
    const char* verb;
    const char* what;
    const char* status;
    const char* outcome;
    const char* footer;
    bool reason_required;
};

constexpr StatusCommand kStatusCommands[] = {
    {"suspend", "Refuse signatures until it is resumed; the CRL lists it on hold", "suspended",
     "is suspended.",
     "Examples:\n  sigilloctl credential suspend 9a0364b9e99bb480dd25e1f0284c8555 --reason 'phone lost'",
     false},
    {"resume", "End a suspension", "active", "is active again.",
     "Examples:\n  sigilloctl credential resume 9a0364b9e99bb480dd25e1f0284c8555 --reason 'phone found'",
     false},
    {"revoke", "Revoke for good: there is no way back", "revoked", "is revoked for good.",
     "Examples:\n  sigilloctl credential revoke 9a0364b9e99bb480dd25e1f0284c8555 --reason 'keyCompromise: "
     "ticket 4711'",
     true},
};

void add_status_command(CLI::App& noun, Context& context, const StatusCommand& entry) {
    auto* command = noun.add_subcommand(entry.verb, entry.what);
    auto id = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    command->add_option("credential", *id, "The credential's id")
        ->required()
        ->check(id_argument())
        ->type_name("CREDENTIAL");
    reason_option(*command, *reason)->required(entry.reason_required);
    command->footer(entry.footer);
    command->callback([&context, &entry, id, reason] {
        context.run = [&context, &entry, id, reason] {
            return set_status(context, *id, entry.status, *reason, entry.outcome);
        };
    });
}

void add_qscd(CLI::App& noun, Context& context) {
    auto* command =
        noun.add_subcommand("qscd", "Say whether the key is in a qualified signature-creation device");
    auto id = std::make_shared<std::string>();
    auto state = std::make_shared<std::string>();
    auto reason = std::make_shared<std::string>();
    command->add_option("credential", *id, "The credential's id")
        ->required()
        ->check(id_argument())
        ->type_name("CREDENTIAL");
    command->add_option("state", *state, "on or off")
        ->required()
        ->check(CLI::IsMember({"on", "off"}))
        ->type_name("on|off");
    reason_option(*command, *reason);
    command->footer(
        "Together with the certificate's own statements this makes signatures eu_eidas_qes: an officer says "
        "it\n"
        "only of a certified HSM. SoftHSM is none.\n\nExamples:\n"
        "  sigilloctl credential qscd 9a0364b9e99bb480dd25e1f0284c8555 on --reason 'certificate of "
        "2026-11-02'");
    command->callback([&context, id, state, reason] {
        context.run = [&context, id, state, reason] {
            sam::AdminRequest request;
            request.mutable_officer()->set_reason(*reason);
            request.mutable_set_qscd()->set_credential_id(*id);
            request.mutable_set_qscd()->set_qscd(*state == "on");
            return order(context, std::move(request), *id,
                         *state == "on" ? "is marked as QSCD." : "is no longer marked as QSCD.");
        };
    });
}

}  // namespace

void add_credential(CLI::App& app, Context& context) {
    auto* noun =
        app.add_subcommand("credential", "Signers' keys with their certificates and activation policies");
    noun->require_subcommand(1);

    auto* listing = noun->add_subcommand("list", "Credentials of one tenant, of one signer, or all");
    auto arguments = std::make_shared<ListArguments>();
    listing->add_option("--tenant", arguments->tenant, "Only this tenant's")
        ->check(tenant_argument())
        ->type_name("TENANT");
    listing->add_option("--signer", arguments->signer, "Only this signer's")
        ->check(id_argument())
        ->type_name("SIGNER");
    listing->add_option("--limit", arguments->most, "At most so many; 0: all")
        ->type_name("NUMBER")
        ->capture_default_str();
    listing->footer(
        "Examples:\n  sigilloctl credential list --tenant bank\n"
        "  sigilloctl credential list --json | jq -r '.[] | select(.locked) | .credentialID'");
    listing->callback(
        [&context, arguments] { context.run = [&context, arguments] { return list(context, *arguments); }; });

    auto* showing = noun->add_subcommand("show", "One credential with its certificates");
    auto id = std::make_shared<std::string>();
    showing->add_option("credential", *id, "The credential's id")
        ->required()
        ->check(id_argument())
        ->type_name("CREDENTIAL");
    showing->footer("Examples:\n  sigilloctl credential show 9a0364b9e99bb480dd25e1f0284c8555");
    showing->callback([&context, id] { context.run = [&context, id] { return show(context, *id); }; });

    for (const StatusCommand& entry : kStatusCommands) add_status_command(*noun, context, entry);
    add_qscd(*noun, context);
}

}  // namespace sigillo::ctl
