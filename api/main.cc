// sigillo-api --config FILE --face api|public [--check-config]: HTTP on a unix socket in front, sigillod
// behind.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>

#include "api/config.h"
#include "api/dispatcher.h"
#include "api/documents/service.h"
#include "api/http/client_certificate.h"

namespace sigillo::api {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

struct Options {
    std::string config;
    Face face = Face::kApi;
};

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

// What the process may still touch: system files to read, and the folders of its two sockets, to connect to
// one and to remove the other.
Status confine(const ApiConfig& config, Logger& logger) {
    LandlockRules rules;
    rules.read = system_read_paths();
    rules.write = {std::filesystem::path(config.http.socket).parent_path(),
                   std::filesystem::path(config.sam.path).parent_path()};
    if (!config.fetch.socket.empty())
        rules.write.push_back(std::filesystem::path(config.fetch.socket).parent_path());
    if (config.documents) {
        rules.write.push_back(config.documents->spool.directory);
        for (const std::string& socket : {config.documents->doc.socket, config.documents->deposit.socket})
            rules.write.push_back(std::filesystem::path(socket).parent_path());
    }
    if (config.hardening.landlock) {
        SIGILLO_ASSIGN(const LandlockState state, apply_landlock(rules, logger));
        if (state.abi == 0) logger.warning("landlock_absent");
    }
    return apply_seccomp(config.documents ? SeccompProfile::kDocumentFrontEnd : SeccompProfile::kFrontEnd,
                         config.hardening.seccomp, logger);
}

Status serve(const Options& options, Logger& logger) {
    SIGILLO_ASSIGN(ApiConfig config, load_config(options.config, options.face));
    SIGILLO_TRY(harden_process(config.hardening, logger));
    const sigset_t signals = block_signals();
    SIGILLO_TRY(confine(config, logger));

    const bool is_api = options.face == Face::kApi;
    const auto routes = is_api ? api_routes() : public_routes();
    // From here on in the order in which they may go: late answers of the sams still count in the metrics.
    ClientCertificates certificates(config.certificate_cache);
    Metrics metrics(metric_labels(routes));
    std::atomic<HttpServer*> running = nullptr;
    Services services{.certificates = certificates,
                      .metrics = metrics,
                      .info = config.info,
                      .limits = config.requests,
                      .time_stamps = config.time_stamps,
                      .ocsp = config.ocsp,
                      .logger = logger,
                      .http_counters = [&running] {
                          const HttpServer* server = running;
                          return server != nullptr ? server->counters() : HttpCounters{};
                      }};
    Dispatcher dispatcher(routes, services);
    std::optional<fetch::FetchClient> fetcher;  // sigillod's answers may go on to it
    if (is_api && !config.fetch.socket.empty()) fetcher.emplace(config.fetch);
    std::vector<std::unique_ptr<ipc::LoopClient>> connections;
    std::vector<HttpServer::Companion> companions;
    for (std::size_t i = 0; i < config.http.threads; ++i) {
        connections.push_back(std::make_unique<ipc::LoopClient>(config.sam));
        ipc::LoopClient& each = *connections.back();
        companions.push_back({each.fd(), [&each] { each.turn(); }, [&each] { each.flush(); }});
    }
    std::unique_ptr<ipc::Client> client = std::make_unique<ReactorClients>(std::move(connections));
    SigningSam signing(is_api ? std::move(client) : nullptr);
    PublicSam anonymous(is_api ? nullptr : std::move(client));
    services.signing = &signing;
    services.fetcher = fetcher ? &*fetcher : nullptr;
    services.anonymous = &anonymous;
    const SystemClock clock;
    SystemRandom random;
    std::unique_ptr<documents::Service> documents;
    if (config.documents) {
        SIGILLO_ASSIGN(documents, documents::Service::create(
                                      *config.documents, {signing, services.fetcher, clock, random, logger}));
        services.documents = documents.get();
        config.http.limits.spool = &documents->spool();
    }
    SIGILLO_ASSIGN(const auto server, HttpServer::start(
                                          config.http,
                                          [&dispatcher](Request request, Responder responder) {
                                              dispatcher.handle(std::move(request), std::move(responder));
                                          },
                                          logger, std::move(companions)));
    running = server.get();
    logger.notice("serving", {{"socket", config.http.socket}, {"face", is_api ? "api" : "public"}});

    int signal = 0;
    sigwait(&signals, &signal);
    logger.notice("stopping", {{"signal", signal}});
    const auto end = std::chrono::steady_clock::now() + config.shutdown_deadline;
    // First, while sigillod's answers still come: they arrive on the server's threads.
    const bool documents_done = !documents || documents->close(config.shutdown_deadline);
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (!server->stop(std::max(left, std::chrono::milliseconds(0))) && documents_done)
        return fail(Errc::kUnavailable, "requests were cut off at the deadline");
    if (!documents_done) {
        logger.error("shutdown_deadline_passed", {{"what", "documents were cut off"}});
        ::_exit(kFailed);
    }
    logger.notice("stopped");
    return {};
}

// Every complaint on a line of its own, as `sigillod check-config` has them.
int check_config(const Options& options) {
    if (const auto config = load_config(options.config, options.face); !config) {
        std::fprintf(stderr, "sigillo-api: %s\n", config.error().detail.c_str());
        return kFailed;
    }
    std::printf("%s: good\n", options.config.c_str());
    return 0;
}

}  // namespace
}  // namespace sigillo::api

int main(int argc, char** argv) {
    using namespace sigillo;
    CLI::App app{
        "Sigillo's HTTP front end: CSC API v2, /v1 and operation (face api), CA certificate and CRL (face "
        "public)"};
    api::Options options;
    const std::map<std::string, api::Face> faces = {{"api", api::Face::kApi}, {"public", api::Face::kPublic}};
    app.add_option("--config", options.config, "The instance's configuration file (sigillo.toml)")
        ->required();
    app.add_option("--face", options.face, "api: registered clients; public: anonymous traffic")
        ->required()
        ->transform(CLI::CheckedTransformer(faces));
    bool check_only = false;
    app.add_flag(
        "--check-config", check_only,
        "Say everything that is wrong with the face's table of the configuration, and serve nothing");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : api::kUsage;
    }
    if (check_only) return api::check_config(options);
    Logger logger(options.face == api::Face::kApi ? "sigillo-api" : "sigillo-public");
    if (const auto served = api::serve(options, logger); !served) {
        logger.error("failed", {{"error", served.error()}});
        return api::kFailed;
    }
    return 0;
}
