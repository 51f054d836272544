// sigillo-doc --config FILE [--check-config]: reads the documents of strangers, one in a process of its own.
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>

#include "api/documents/sigillo-doc/config.h"
#include "api/documents/sigillo-doc/jobs.h"
#include "api/documents/sigillo-doc/server.h"

namespace sigillo::doc {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

// Read by signalfd, so they must be blocked.
void block_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

Status serve(const std::string& path, Logger& logger) {
    SIGILLO_ASSIGN(const DocConfig config, load_config(path));
    block_signals();
    SIGILLO_TRY(harden_process(config.hardening, logger));
    SIGILLO_TRY(preload(config.fonts));
    if (config.hardening.landlock) {
        LandlockRules rules;
        rules.read = system_read_paths();
        rules.write = {std::filesystem::path(config.socket).parent_path()};
        SIGILLO_TRY(apply_landlock(rules, logger));
    }
    SIGILLO_ASSIGN(const WorkerConfinement confinement, WorkerConfinement::create(config.hardening, logger));
    SIGILLO_ASSIGN(const auto server, Server::start(config, confinement, &carry_out_job, logger));
    SIGILLO_TRY(apply_seccomp(SeccompProfile::kDocumentServer, config.hardening.seccomp, logger));
    logger.notice("serving", {{"socket", config.socket}, {"workers", std::uint64_t{config.workers}}});
    SIGILLO_TRY(server->run());
    const Server::Summary& done = server->summary();
    logger.notice("stopped", {{"workers", done.workers}, {"largest_worker_kib", done.largest_kib}});
    return {};
}

int check_config(const std::string& path) {
    if (const auto config = load_config(path); !config) {
        std::fprintf(stderr, "sigillo-doc: %s\n", config.error().detail.c_str());
        return kFailed;
    }
    std::printf("%s: good\n", path.c_str());
    return 0;
}

}  // namespace
}  // namespace sigillo::doc

int main(int argc, char** argv) {
    using namespace sigillo;
    CLI::App app{
        "Reads the documents of strangers for sigillo-api: each in a process of its own, that has nothing "
        "else"};
    std::string path;
    app.add_option("--config", path, "The instance's configuration file (sigillo.toml)")->required();
    bool check_only = false;
    app.add_flag("--check-config", check_only, "Say everything that is wrong with [doc], and serve nothing");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : doc::kUsage;
    }
    if (check_only) return doc::check_config(path);
    Logger logger("sigillo-doc");
    if (const auto served = doc::serve(path, logger); !served) {
        logger.error("failed", {{"error", served.error()}});
        return doc::kFailed;
    }
    return 0;
}
