// sigillo-audit: the auditor's offline verifier. Needs a copy of the log directory and the log's verifier
// key, nothing of the appliance.
#include <CLI/CLI.hpp>
#include <iostream>

#include "appliance/base/command_line.h"
#include "appliance/sigillo-audit/commands.h"

namespace {

using namespace sigillo::audit_tool;

constexpr const char* kDescription =
    R"(sigillo-audit - verify and read the log of a Sigillo appliance, offline

The log is a Merkle tree (RFC 6962) published as C2SP tlog-tiles: a directory with
a signed `checkpoint` and its tiles. What this program believes, it has hashed up
to a checkpoint that the given verifier key has signed. It writes nothing but what
--out names, and opens no connection.)";

constexpr const char* kFooter =
    R"(EXIT STATUS
  0  holds
  1  does not hold, or cannot be read: the place is named on standard error
  2  wrong usage

EXAMPLES
  Check a copy of the log, and that nothing seen in January was changed since:
      sigillo-audit verify --log /srv/audit/log --key sigillo.vkey --old january.checkpoint

  All uses of one key, and whether they are all:
      sigillo-audit uses --log /srv/audit/log --key sigillo.vkey \
          --credential 0f2d5c0e9b7a41f3a6f7a0a1b2c3d4e5

  All time stamps that a unit issued in a week, each with its proof:
      sigillo-audit tokens --log /srv/audit/tsa-log --key sigillo-tsa.vkey --json --proofs \
          --unit c29aa90be099787774a095fe438d3428 --from 2026-11-16 --to 2026-11-22

  What security officers did, as JSON lines:
      sigillo-audit show --log /srv/audit/log --key sigillo.vkey --type credential. --json

  Give a court one leaf with its proof, to be checked without the log:
      sigillo-audit prove 4711 --log /srv/audit/log --key sigillo.vkey --out use.json
      sigillo-audit check-proof use.json --key sigillo.vkey

FILES
  A --key file has one C2SP verifier key a line: <name>+<id>+<base64 key>. The key
  of a log's first epoch covers its later epochs (<name>/epoch-2, ...), which an
  officer opens to go on after a rollback; earlier ones stand in DIR/epochs/.)";

void add_log_options(CLI::App& command, LogArguments& log, bool json) {
    command.add_option("--log", log.log, "Log directory: checkpoint and tile/")->required()->type_name("DIR");
    command.add_option("--key", log.key, "File with the log's verifier key")->required()->type_name("FILE");
    if (json) command.add_flag("--json", log.json, "Machine-readable output");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{kDescription};
    app.footer(kFooter);
    app.require_subcommand(1);
    app.failure_message(&sigillo::usage_message);
    app.get_formatter()->column_width(28);

    LogArguments log;
    ShowArguments show;
    std::filesystem::path old_checkpoint;
    std::filesystem::path out;
    std::filesystem::path proof;
    std::string credential;
    TokenArguments tokens;
    std::uint64_t index = 0;
    std::uint64_t to = 0;

    auto* verify = app.add_subcommand(
        "verify",
        "Verify everything: the checkpoint's signature, every leaf and tile up to its root,\n"
        "each leaf's canonical JSON, and that the uses of each key are numbered without a gap.\n"
        "Earlier epochs below DIR/epochs/ are verified too.");
    add_log_options(*verify, log, true);
    verify
        ->add_option("--old", old_checkpoint, "A checkpoint kept from before: the log must be its extension")
        ->type_name("FILE");

    auto* show_command = app.add_subcommand("show", "Show leaves, each checked against the signed root.");
    add_log_options(*show_command, log, true);
    show_command->add_option("--from", show.from, "First index (default 0)")->type_name("N");
    auto* to_option =
        show_command->add_option("--to", to, "Last index (default: the last leaf)")->type_name("N");
    show_command
        ->add_option("--type", show.type, "Only this type of event; ending in a dot, all that begin so")
        ->type_name("TYPE");

    auto* uses =
        app.add_subcommand("uses", "Every use of one key, and whether these are all. Walks the whole log.");
    add_log_options(*uses, log, true);
    uses->add_option("--credential", credential, "The credential's id")->required()->type_name("ID");

    auto* tokens_command = app.add_subcommand(
        "tokens", "Every time stamp that the TSA issued, or a unit in a time. Walks the whole log.");
    add_log_options(*tokens_command, log, true);
    tokens_command->add_option("--unit", tokens.unit, "Only this unit's")->type_name("ID");
    tokens_command->add_option("--from", tokens.from, "genTime not before this, UTC")->type_name("TIME");
    tokens_command->add_option("--to", tokens.to, "genTime not after this, UTC")->type_name("TIME");
    tokens_command->add_flag("--proofs", tokens.proofs, "With --json: each with its proof of inclusion");

    auto* prove = app.add_subcommand("prove", "Print one leaf with its proof of inclusion, as JSON.");
    add_log_options(*prove, log, false);
    prove->add_option("INDEX", index, "The leaf's index")->required()->type_name("");
    prove->add_option("--out", out, "Write to this file instead of standard output")->type_name("FILE");

    auto* check = app.add_subcommand("check-proof", "Check what `prove` has printed; needs no log.");
    check->add_option("PROOF", proof, "The file")->required()->type_name("");
    check->add_option("--key", log.key, "File with the log's verifier key")->required()->type_name("FILE");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kHolds : kUsage;
    }
    try {
        if (*verify) return verify_log(log, old_checkpoint);
        if (*show_command) {
            if (*to_option) show.to = to;
            return show_leaves(log, show);
        }
        if (*uses) return show_uses(log, credential);
        if (*tokens_command) return show_tokens(log, tokens);
        if (*prove) return prove_leaf(log, index, out);
        return check_proof(proof, log.key);
    } catch (const std::exception& error) {
        std::cerr << "sigillo-audit: " << error.what() << std::endl;
        return kDoesNotHold;
    }
}
