#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "appliance/base/encoding.h"
#include "appliance/sigilloctl/arguments.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {
namespace {

struct Arguments {
    std::uint64_t index = 0;
    std::uint64_t epoch = 0;
    std::string reason;
};

// A member of the evidence as text; absent: empty.
std::string member(const nlohmann::json& body, const char* name) {
    const auto found = body.is_object() ? body.find(name) : body.end();
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Status show(const Context& context, const Arguments& arguments) {
    sam::AdminRequest request;
    request.mutable_officer()->set_reason(arguments.reason);
    request.mutable_get_evidence()->set_index(arguments.index);
    request.mutable_get_evidence()->set_epoch(arguments.epoch);
    SIGILLO_ASSIGN(const sam::AdminResponse response, ask(context, std::move(request)));
    const sam::Evidence& evidence = response.evidence();
    const auto body = nlohmann::json::parse(evidence.body(), nullptr, false);
    if (context.json) {
        print_json({{"index", evidence.index()},
                    {"epoch", evidence.epoch()},
                    {"evidence", evidence.body()},
                    {"salt", base64_encode(as_bytes(evidence.salt()))},
                    {"sha256", base64_encode(as_bytes(evidence.sha256()))}});
        return {};
    }
    print(fields({{"Activation", std::to_string(evidence.index())},
                  {"Epoch", std::to_string(evidence.epoch())},
                  {"Description", member(body, "description")},
                  {"Client data", member(body, "clientData")},
                  {"Click", member(body, "click")},
                  {"Salt", base64_encode(as_bytes(evidence.salt()))},
                  {"SHA-256", base64_encode(as_bytes(evidence.sha256()))}}));
    return {};
}

Status erase(const Context& context, const Arguments& arguments) {
    sam::AdminRequest request;
    request.mutable_officer()->set_reason(arguments.reason);
    request.mutable_erase_evidence()->set_index(arguments.index);
    request.mutable_erase_evidence()->set_epoch(arguments.epoch);
    SIGILLO_TRY(ask(context, std::move(request)));
    if (context.json)
        print_json({{"index", arguments.index}, {"erased", true}});
    else
        print("The evidence of activation " + std::to_string(arguments.index) +
              " is erased. Backups that were made before still hold it.");
    return {};
}

void add_arguments(CLI::App& command, Arguments& arguments) {
    command.add_option("index", arguments.index, "The activation's index in the log (activation.granted)")
        ->required()
        ->check(index_argument())
        ->type_name("INDEX");
    command.add_option("--epoch", arguments.epoch, "The log's epoch that has it; without: the present one")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 53))
        ->type_name("EPOCH");
    reason_option(command, arguments.reason)->required();
}

}  // namespace

void add_evidence(CLI::App& app, Context& context) {
    auto* noun = app.add_subcommand("evidence", "What signers' clients sent along with an activation");
    noun->require_subcommand(1);

    auto* showing = noun->add_subcommand("show", "Print it: it names people");
    auto what = std::make_shared<Arguments>();
    add_arguments(*showing, *what);
    showing->footer(
        "That you read it, and why, goes into the audit log; what you read does not. It holds when SHA-256, "
        "over the\nsalt and the JSON text (--json: \"evidence\"), is the evidence_sha256 of the entry in the "
        "log.\n\nExamples:\n"
        "  sigillo-audit show --log LOG --key FILE | grep activation.granted\n"
        "  sigilloctl evidence show 4711 --reason 'court order 12/2026'");
    showing->callback([&context, what] { context.run = [&context, what] { return show(context, *what); }; });

    auto* erasing = noun->add_subcommand("erase", "Erase it for good; the log keeps its salted digest");
    auto which = std::make_shared<Arguments>();
    add_arguments(*erasing, *which);
    erasing->footer(
        "The entry in the log stays and says when, which key and which hashes; nobody can tell any more what "
        "the "
        "evidence was.\n\nExamples:\n  sigilloctl evidence erase 4711 --reason 'request under GDPR art. 17, "
        "ticket "
        "4712'");
    erasing->callback(
        [&context, which] { context.run = [&context, which] { return erase(context, *which); }; });
}

}  // namespace sigillo::ctl
