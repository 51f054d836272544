// sigillod: the signature activation module. Sub-commands: run, ceremony, check-config.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "appliance/base/command_line.h"
#include "appliance/sigillod/appliance.h"
#include "appliance/sigillod/ceremony.h"
#include "appliance/sigillod/config.h"
#include "appliance/sigillod/tsa_foundation.h"
#include "appliance/sigillod/version.h"

namespace sigillo {
namespace {

constexpr int kRefused = 1;

int complain(const Error& error) {
    std::cerr << "sigillod: " << error.detail << "\n";
    return kRefused;
}

LandlockRules landlock_rules(const DaemonConfig& config) {
    LandlockRules rules;
    rules.read = system_read_paths();
    rules.read.emplace_back(std::filesystem::path(config.hsm.pin_file));
    if (const char* softhsm = ::getenv("SOFTHSM2_CONF")) rules.read.emplace_back(softhsm);
    rules.write = {config.store.directory, config.log_directory};
    for (const std::string& socket : {config.signing_socket.path, config.deposit_socket,
                                      config.public_socket.path, config.admin_socket.path})
        rules.write.push_back(std::filesystem::path(socket).parent_path());
    if (!config.hsm.token_directory.empty()) rules.write.emplace_back(config.hsm.token_directory);
    rules.write.insert(rules.write.end(), config.log_anchors.begin(), config.log_anchors.end());
    rules.write.insert(rules.write.end(), config.backup_directories.begin(), config.backup_directories.end());
    if (!config.tsa) return rules;
    const TsaSettings& tsa = *config.tsa;
    rules.read.emplace_back(tsa.pin_file);
    rules.write.emplace_back(tsa.store.directory);
    rules.write.emplace_back(tsa.log_directory);
    if (!tsa.token_directory.empty()) rules.write.emplace_back(tsa.token_directory);
    rules.write.insert(rules.write.end(), tsa.log_anchors.begin(), tsa.log_anchors.end());
    if (tsa.kernel_time)  // our end of the way to chronyd is a socket file
        rules.write.push_back(tsa.chrony.own_directory.empty() ? tsa.chrony.socket.parent_path()
                                                               : tsa.chrony.own_directory);
    return rules;
}

// The signals that end the daemon, blocked in all threads and awaited by the first.
sigset_t ending_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

Status serve_until_told(const DaemonConfig& config, Logger& logger, const SystemClock& clock,
                        SystemRandom& random) {
    const sigset_t signals = ending_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    SIGILLO_TRY(harden_process(config.hardening, logger));
    SIGILLO_TRY(prepare_directories(config));
    if (config.tsa) SIGILLO_TRY(prepare_tsa_directories(*config.tsa));
    if (config.hardening.landlock) SIGILLO_TRY(apply_landlock(landlock_rules(config), logger));
    SIGILLO_ASSIGN(auto base, lay_foundation(config, clock, random, logger));
    SIGILLO_ASSIGN(const auto appliance, Appliance::assemble(std::move(base)));
    SIGILLO_TRY(appliance->serve());
    SIGILLO_TRY(apply_seccomp(SeccompProfile::kSignatureModule, config.hardening.seccomp, logger));
    logger.notice("serving", {{"version", kVersion}});

    int signal = 0;
    sigwait(&signals, &signal);
    logger.notice("draining", {{"signal", signal}});
    if (appliance->drain(config.shutdown_deadline)) return {};
    // Something hangs inside the HSM: its thread cannot be joined. What is durable is durable; reconciliation
    // at the next start does the rest.
    logger.error("shutdown_deadline_passed");
    ::_exit(kRefused);
}

int run(const std::string& config_path) {
    Logger logger("sigillod");
    const auto config = load_daemon_config(config_path);
    if (!config) return complain(config.error());
    SystemClock clock;
    SystemRandom random;
    if (const Status status = serve_until_told(*config, logger, clock, random); !status) {
        logger.error("stopped", {{"error", status.error()}});
        return complain(status.error());
    }
    logger.notice("stopped");
    return 0;
}

}  // namespace
}  // namespace sigillo

int main(int argc, char** argv) {
    CLI::App app(
        "sigillod: the signature activation module of Sigillo. Holds the HSM's login, the store and the log; "
        "decides about every use of a key.");
    app.set_version_flag("--version", sigillo::kVersion);
    std::string config_path = "/etc/sigillo/sigillo.toml";
    if (const char* from_environment = ::getenv("SIGILLO_CONFIG")) config_path = from_environment;
    std::string so_pin_file;
    app.require_subcommand(1);
    app.failure_message(&sigillo::usage_message);
    const auto with_config = [&](CLI::App* command) {
        command->add_option("--config", config_path,
                            "The instance's configuration file (default: $SIGILLO_CONFIG, else "
                            "/etc/sigillo/sigillo.toml)");
        return command;
    };
    CLI::App* run =
        with_config(app.add_subcommand("run", "Serve until SIGTERM; answers what is in hand, then exits 0."));
    CLI::App* ceremony = with_config(app.add_subcommand(
        "ceremony", "Make the appliance's keys in the HSM, its store and the embedded CA. Safe to repeat."));
    ceremony->add_option(
        "--so-pin-file", so_pin_file,
        "File with the security officer's PIN: also initialises a token that does not exist yet.");
    CLI::App* check =
        with_config(app.add_subcommand("check-config", "Say what is wrong with the configuration file."));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    try {
        if (run->parsed()) return sigillo::run(config_path);
        const auto config = sigillo::load_daemon_config(config_path);
        if (!config) return sigillo::complain(config.error());
        if (check->parsed()) {
            std::cout << config_path << ": good\n";
            return 0;
        }
        if (ceremony->parsed()) {
            sigillo::Logger logger("sigillod", 2, sigillo::Severity::kWarning);
            const auto status = sigillo::hold_ceremony(*config, so_pin_file, logger);
            return status ? 0 : sigillo::complain(status.error());
        }
    } catch (const std::exception& error) {
        std::cerr << "sigillod: " << error.what() << "\n";
    }
    return sigillo::kRefused;
}
