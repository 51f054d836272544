// sigillo-fetch --config FILE [--check-config]: the only process of Sigillo with outbound connections.
#include <pwd.h>

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>

#include "api/fetch/fetch_client.h"
#include "api/fetch/sigillo-fetch/service.h"

namespace sigillo::fetch {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

// Signals are taken by sigwait(), so every thread made later must have them blocked.
sigset_t block_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return set;
}

// System files, names and addresses to read; the spool and our socket's folder to write; TCP to the ports of
// the two lists, and to name servers.
Status confine(const FetchConfig& config, Logger& logger) {
    LandlockRules rules;
    rules.read = system_read_paths();
    for (const char* path : {"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf",
                             "/etc/services", "/run/systemd/resolve", "/run/resolvconf"})
        rules.read.emplace_back(path);
    rules.read.emplace_back(config.transfer.ca_file);
    rules.write = {config.spool.directory, std::filesystem::path(config.socket).parent_path()};
    rules.connect_ports = {53};
    for (const auto& list : {config.allow_list(), config.callback_list()}) {
        if (!list) return std::unexpected(list.error());
        for (const Origin& origin : list->origins()) rules.connect_ports.push_back(origin.port);
    }
    if (config.hardening.landlock) {
        SIGILLO_ASSIGN(const LandlockState state, apply_landlock(rules, logger));
        if (state.abi == 0) logger.warning("landlock_absent");
    }
    return apply_seccomp(SeccompProfile::kFetcher, config.hardening.seccomp, logger);
}

Result<ipc::ServerConfig> socket_config(const FetchConfig& config) {
    ipc::ServerConfig socket;
    socket.path = config.socket;
    // The largest request is a callback; the largest answer a list.
    socket.backlog_limit = std::size_t{128} << 20;
    socket.frame_limit = FetchClientConfig{}.frame_limit;
    for (const std::string& user : config.users) {
        if (!user.empty() && user.find_first_not_of("0123456789") == std::string::npos) {
            socket.allowed_uids.push_back(static_cast<uid_t>(std::stoul(user)));
            continue;
        }
        const passwd* entry = ::getpwnam(user.c_str());  // before any thread is started
        if (entry == nullptr) return fail(Errc::kInvalidArgument, "fetch.users: no user named " + user);
        socket.allowed_uids.push_back(entry->pw_uid);
    }
    return socket;
}

Status serve(const std::string& path, Logger& logger) {
    SIGILLO_ASSIGN(const FetchConfig config, load_fetch_config(path));
    SIGILLO_TRY(harden_process(config.hardening, logger));
    const sigset_t signals = block_signals();
    SIGILLO_ASSIGN(const ipc::ServerConfig socket, socket_config(config));
    SIGILLO_TRY(check_private_directory(config.spool.directory));
    SIGILLO_TRY(init_transfers());
    SIGILLO_TRY(confine(config, logger));

    const SystemClock clock;
    SIGILLO_ASSIGN(const auto service, FetchService::create(config, clock, logger));
    SIGILLO_ASSIGN(auto server, ipc::Server::start(
                                    socket,
                                    [&service](const ipc::Peer&, Bytes payload, ipc::Reply reply) {
                                        service->handle(std::move(payload), std::move(reply));
                                    },
                                    logger));
    logger.notice("serving", {{"socket", config.socket},
                              {"allowed", std::uint64_t{config.allow.size()}},
                              {"callbacks", std::uint64_t{config.callbacks.size()}}});
    int signal = 0;
    sigwait(&signals, &signal);
    logger.notice("stopping", {{"signal", signal}});
    service->stop();
    server.reset();
    logger.notice("stopped");
    return {};
}

int check_config(const std::string& path) {
    if (const auto config = load_fetch_config(path); !config) {
        std::fprintf(stderr, "sigillo-fetch: %s\n", config.error().detail.c_str());
        return kFailed;
    }
    std::printf("%s: good\n", path.c_str());
    return 0;
}

}  // namespace
}  // namespace sigillo::fetch

int main(int argc, char** argv) {
    using namespace sigillo;
    CLI::App app{
        "Fetches revocation data from the hosts of fetch.allow and delivers callbacks to those of "
        "fetch.callbacks; "
        "asked by sigillo-api alone"};
    std::string config;
    app.add_option("--config", config, "The instance's configuration file (sigillo.toml)")->required();
    bool check_only = false;
    app.add_flag("--check-config", check_only,
                 "Say everything that is wrong with the table [fetch], and serve nothing");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : fetch::kUsage;
    }
    if (check_only) return fetch::check_config(config);
    Logger logger("sigillo-fetch");
    if (const auto served = fetch::serve(config, logger); !served) {
        logger.error("failed", {{"error", served.error()}});
        return fetch::kFailed;
    }
    return 0;
}
