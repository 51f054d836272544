// sigilloctl: the security officers' tool.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "appliance/base/command_line.h"
#include "appliance/base/result.h"
#include "appliance/sigilloctl/commands.h"
#include "appliance/sigilloctl/output.h"

namespace {

constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr int kUsage = 2;

constexpr const char* kDescription =
    "sigilloctl - orders and questions of the security officers to sigillod\n\n"
    "sigillod takes the officer's name from the socket itself: it is the user who runs this command.\n"
    "Every order goes into the audit log.";

constexpr const char* kFooter =
    "Exit status:\n"
    "  0  done\n"
    "  1  refused or failed; standard error says why and what to do next\n"
    "  2  the command line is wrong\n\n"
    "Environment:\n"
    "  SIGILLO_CONFIG  the configuration file, where --config does not name it\n\n"
    "Examples:\n"
    "  sigilloctl status\n"
    "  sigilloctl client add --tenant bank --name 'signing portal' --cert portal.pem\n"
    "  sigilloctl credential list --tenant bank --json\n"
    "  sigilloctl COMMAND --help";

int report(const sigillo::Status& status) {
    if (status) return kDone;
    std::cerr << "sigilloctl: " << sigillo::errc_name(status.error().code) << ": ";
    // Line by line: advice has its own line, and what sigillod quotes may come from a client.
    std::string_view rest = status.error().detail;
    for (bool first = true; !rest.empty(); first = false) {
        const auto end = rest.find('\n');
        std::cerr << (first ? "" : "\n") << sigillo::ctl::harmless(rest.substr(0, end));
        if (first && !status.error().field.empty())
            std::cerr << " [" << sigillo::ctl::harmless(status.error().field) << "]";
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    std::cerr << '\n';
    return kRefused;
}

int run(int argc, char** argv) {
    sigillo::ctl::Context context;
    const char* from_environment = std::getenv("SIGILLO_CONFIG");
    context.config_path = from_environment != nullptr && *from_environment != '\0'
                              ? from_environment
                              : "/etc/sigillo/sigillo.toml";
    CLI::App app(kDescription, "sigilloctl");
    app.footer(kFooter);
    app.fallthrough();  // --json and --config may stand anywhere
    app.require_subcommand(1);
    app.failure_message(&sigillo::usage_message);
    app.add_option("--config", context.config_path, "The appliance's configuration file")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_flag("--json", context.json, "Print JSON instead of tables");
    long long timeout = context.timeout.count();
    app.add_option("--timeout", timeout, "Seconds to wait for an answer (backup create: an hour)")
        ->check(CLI::Range(1, 86'400))
        ->type_name("SECONDS");
    sigillo::ctl::add_status(app, context);
    sigillo::ctl::add_client(app, context);
    sigillo::ctl::add_signer(app, context);
    sigillo::ctl::add_credential(app, context);
    sigillo::ctl::add_factor(app, context);
    sigillo::ctl::add_evidence(app, context);
    sigillo::ctl::add_tsu(app, context);
    sigillo::ctl::add_log(app, context);
    sigillo::ctl::add_backup(app, context);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kUsage;  // 0: --help
    }
    if (app.count("--timeout") != 0) context.timeout = std::chrono::seconds(timeout);
    return report(context.run());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {  // bad_alloc, a closed standard output
        std::cerr << "sigilloctl: " << error.what() << '\n';
        return kRefused;
    }
}
