#include "appliance/sigillod/appliance.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "appliance/sigillod/dispatcher.h"
#include "appliance/sigillod/ocsp_service.h"
#include "appliance/signing/reconcile.h"

namespace sigillo {
namespace {

Result<ipc::ServerConfig> socket_config(const SocketSettings& settings) {
    ipc::ServerConfig config;
    config.path = settings.path;
    for (const std::string& user : settings.users) {
        if (!user.empty() && user.find_first_not_of("0123456789") == std::string::npos) {
            config.allowed_uids.push_back(static_cast<uid_t>(std::stoul(user)));
            continue;
        }
        const passwd* entry = ::getpwnam(user.c_str());  // before any thread is started
        if (entry == nullptr) return fail(Errc::kInvalidArgument, settings.path + ": no user named " + user);
        config.allowed_uids.push_back(entry->pw_uid);
    }
    return config;
}

// A whole PDF to be digested: that takes a while.
bool reads_documents(const sam::SigningRequest& request) {
    return std::ranges::any_of(request.sign_documents().documents(),
                               [](const sam::DocumentToSign& document) { return document.has_revision(); });
}

Bytes take_deposit(Deposits& deposits, ipc::FdMessage message, Logger& logger) {
    try {
        return answer_deposit(deposits, std::move(message));
    } catch (const std::exception& error) {  // out of memory
        logger.error("deposit_threw", {{"what", error.what()}});
        return {};
    }
}

}  // namespace

Result<std::unique_ptr<Appliance>> Appliance::assemble(std::unique_ptr<Foundation> base, TsaTimeSeam seam) {
    std::unique_ptr<Appliance> appliance(new Appliance(std::move(base)));
    SIGILLO_TRY(appliance->build_services(seam));
    return appliance;
}

Appliance::~Appliance() {
    // No new work, then no sockets that would bring it, then the work in hand; only then what it used.
    for (WorkerPool* pool :
         {workers_.get(), document_workers_.get(), admin_workers_.get(), public_workers_.get(),
          ocsp_workers_.get(), publishing_lane_.get(), health_lane_.get()})
        if (pool != nullptr) pool->close();
    if (tsa_) tsa_->close();
    admin_server_.reset();
    public_server_.reset();
    deposit_server_.reset();
    signing_server_.reset();
    health_lane_.reset();
    publishing_lane_.reset();
    public_workers_.reset();
    document_workers_.reset();
    ocsp_workers_.reset();
    admin_workers_.reset();
    workers_.reset();
    housekeeping_.reset();
    base_->ledger->set_executor(nullptr);
    executor_.reset();
    if (tsa_) tsa_->stop();
    if (sweep_) sweep_->stop();
    if (publisher_) publisher_->stop();
}

Status Appliance::build_services(TsaTimeSeam seam) {
    const DaemonConfig& config = base_->config;
    audit::Ledger& ledger = *base_->ledger;
    KeyStore& keys = *base_->keys;
    Random& random = base_->random;

    // What a crash left open is settled before the first request.
    sads_ = std::make_unique<activation::Sads>(config.sad, base_->clock, random);
    SIGILLO_ASSIGN(const std::uint64_t interrupted,
                   signing::reconcile_open_intents(ledger, *sads_, config.signing.retry_window));
    if (interrupted > 0) base_->logger.warning("uses_of_unknown_outcome", {{"count", interrupted}});
    SIGILLO_TRY(ledger.update([&](audit::Recorder& recorder) -> Status {
        audit::Event event = recorder.event("daemon.started");
        event.set("interrupted_uses", interrupted);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    }));
    SIGILLO_ASSIGN(publisher_,
                   audit::Publisher::create(*base_->store, *base_->log, *base_->identity, base_->places,
                                            base_->clock, base_->logger, config.log));
    sweep_ = std::make_unique<audit::Sweep>(ledger, *base_->log, base_->logger, config.sweep);

    clock_monitor_ = std::make_unique<activation::ClockMonitor>(config.clock, base_->clock);
    pins_ = std::make_unique<activation::Pins>(config.pin, keys, random);
    refusals_ = std::make_unique<activation::RefusalLog>(config.refusals, ledger, base_->logger);
    enrolment_ = std::make_unique<activation::Enrolment>(config.enrolment, ledger, keys, *pins_, random);
    activator_ = std::make_unique<activation::Activator>(
        config.activation, activation::Activator::Parts{ledger, keys, *pins_, *sads_, *refusals_, random,
                                                        [this] { return clock_monitor_->check(); }});
    vault_ = std::make_unique<signing::KeyVault>(keys, base_->clock, config.vault);
    signing_ = std::make_unique<signing::SigningPath>(
        signing::SigningPath::Parts{ledger, *vault_, *sads_, *refusals_, base_->logger, config.signing,
                                    nullptr, [this] { return clock_monitor_->check(); }});

    SIGILLO_ASSIGN(authority_,
                   issuance::Authority::open({ledger, keys, *base_->provider, random}, config.authority));
    SIGILLO_ASSIGN(ocsp_,
                   issuance::OcspResponder::create({ledger, keys, *authority_, base_->logger}, config.ocsp));
    signers_ = std::make_unique<issuance::Signers>(ledger, keys, random, config.signers);
    credentials_ = std::make_unique<issuance::Credentials>(
        issuance::Credentials::Parts{ledger, keys, *authority_, *signers_, *base_->provider, random,
                                     [this](const CredentialId& credential, std::uint64_t version) {
                                         vault_->forget(credential, version);
                                     },
                                     config.credentials});
    if (config.tsa) {
        SIGILLO_ASSIGN(tsa_, Tsa::assemble(*base_, *config.tsa, seam));
    }
    TsaOrders tsa_orders(tsa_.get(), *authority_, ledger);
    SIGILLO_ASSIGN(const auto units_of_ours, tsa_orders.certificates_of_embedded_ca());
    SIGILLO_TRY(issuance::list_earlier_certificates(ledger, units_of_ours));
    clients_ = std::make_unique<Clients>(ledger, random);
    deposits_ = std::make_unique<Deposits>(config.deposits, base_->clock, random);
    std::optional<BackupHalf> tsa_half;
    if (tsa_) tsa_half.emplace(BackupHalf{tsa_->ledger(), tsa_->publisher(), config.tsa->log_directory});
    backup_ =
        std::make_unique<Backup>(BackupHalf{ledger, *publisher_, config.log_directory}, std::move(tsa_half));

    const activation::Lockout lockout(config.activation.lockout, base_->clock);
    signing_service_ = std::make_unique<SigningService>(
        SigningService::Parts{ledger, random, *clients_, *signers_, *credentials_, *enrolment_, *activator_,
                              lockout, *signing_, health_, tsa_.get(), *deposits_, config.documents,
                              config.signing.documents_per_call, *authority_, *ocsp_, config.ocsp.requests});
    public_service_ =
        std::make_unique<PublicService>(*authority_, *ocsp_, config.ocsp.requests, health_, tsa_.get());
    admin_service_ = std::make_unique<AdminService>(AdminService::Parts{
        ledger, *clients_, *signers_, *credentials_, lockout,
        activation::EvidenceKeeper(*base_->codec, random, config.activation.evidence_retention), *publisher_,
        *base_->log, base_->identity->verifier_key(), *backup_, health_, base_->clock.now(), tsa_orders});
    SIGILLO_TRY(tsa_orders.reconcile());
    housekeeper_ = std::make_unique<Housekeeper>(*base_->store, config.housekeeper);
    watch_health();
    return {};
}

void Appliance::watch_health() {
    using State = Health::State;
    health_.add_probe([this]() -> Health::Item {
        const KeyStoreHealth hsm = base_->keys->health();
        return {"hsm", hsm.usable ? State::kOk : State::kFailed, hsm.reason};
    });
    health_.add_probe([this]() -> Health::Item {
        const StoreHealth store = base_->store->health();
        return {"store",
                !store.writable        ? State::kFailed
                : store.reason.empty() ? State::kOk
                                       : State::kDegraded,
                store.reason};
    });
    health_.add_probe([this]() -> Health::Item {
        const audit::LogHealth log = publisher_->health();
        return {"log", log.publishing ? State::kOk : State::kFailed, log.reason};
    });
    health_.add_probe([this]() -> Health::Item {
        const audit::LogHealth log = publisher_->health();
        return {"anchor", log.anchor.empty() ? State::kOk : State::kDegraded, log.anchor};
    });
    health_.add_probe([this]() -> Health::Item {
        const audit::SweepHealth sweep = sweep_->health();
        const std::string reason = !sweep.findings.empty() ? sweep.findings.front() : sweep.error;
        return {"records",
                !sweep.clean          ? State::kFailed
                : sweep.error.empty() ? State::kOk
                                      : State::kDegraded,
                reason};
    });
    health_.add_probe([this]() -> Health::Item {
        const Status clock = clock_monitor_->check();
        return {"clock", clock ? State::kOk : State::kFailed, clock ? "" : clock.error().detail};
    });
    health_.add_probe([this]() -> Health::Item {
        const std::size_t waiting = signing_->metrics().unsettled;
        return {"outcomes", waiting == 0 ? State::kOk : State::kDegraded,
                waiting == 0 ? "" : std::to_string(waiting) + " outcomes wait for room in the store"};
    });
    health_.add_probe([this]() -> Health::Item {
        return {"daemon", draining_ ? State::kFailed : State::kOk, draining_ ? "shutting down" : ""};
    });

    if (tsa_) tsa_->watch(health_);
    watch_ocsp(health_, *ocsp_);

    const auto metric = [this](const char* name, Health::Metric value) {
        health_.add_metric(name, std::move(value));
    };
    const auto number = [](auto value) { return static_cast<double>(value); };
    metric("sigillo_signatures_total", [=, this] { return number(signing_->metrics().signatures); });
    metric("sigillo_key_use_failures_total", [=, this] { return number(signing_->metrics().failures); });
    metric("sigillo_signing_refusals_total", [=, this] { return number(signing_->metrics().refusals); });
    metric("sigillo_deposits", [=, this] { return number(deposits_->content().count); });
    metric("sigillo_deposit_bytes", [=, this] { return number(deposits_->content().bytes); });
    metric("sigillo_deposits_forgotten_total", [=, this] { return number(deposits_->content().forgotten); });
    metric("sigillo_keys_cached", [=, this] { return number(signing_->metrics().cached_keys); });
    metric("sigillo_activations_total", [=, this] { return number(activator_->metrics().granted); });
    metric("sigillo_activation_refusals_total", [=, this] { return number(activator_->metrics().refused); });
    metric("sigillo_hsm_sessions_busy", [=, this] { return number(base_->keys->health().sessions_busy); });
    metric("sigillo_hsm_waiting", [=, this] { return number(base_->keys->health().waiting); });
    metric("sigillo_store_bytes_used", [=, this] { return number(base_->store->health().bytes_used); });
    metric("sigillo_store_bytes_limit", [=, this] { return number(base_->store->health().bytes_limit); });
    metric("sigillo_store_updates_waiting", [=, this] { return number(base_->store->health().waiting); });
    metric("sigillo_log_leaves", [=, this] { return number(publisher_->health().committed); });
    metric("sigillo_log_published", [=, this] { return number(publisher_->health().published); });
    metric("sigillo_sweep_rounds_total", [=, this] { return number(sweep_->health().rounds); });
    metric("sigillo_requests_waiting", [=, this] { return workers_ ? number(workers_->waiting()) : 0.0; });
    metric("sigillo_work_to_go_on", [=, this] { return executor_ ? number(executor_->waiting()) : 0.0; });
}

std::vector<Housekeeping::Chore> Appliance::chores() {
    using namespace std::chrono_literals;
    std::vector<Housekeeping::Chore> chores{
        {"clock", 1s,
         [this] { [[maybe_unused]] const Status seen = clock_monitor_->check(); }},  // health reports it
        {"outcomes", 1s, [this] { signing_->settle(); }},
        {"deposits", 1s, [this] { deposits_->forget_expired(); }},
        {"idle keys", 60s, [this] { vault_->forget_idle(); }},
        {"expiries", 1s,
         [this] {
             // A clock that jumped ahead would make everything due.
             if (!clock_monitor_->check()) return;
             if (auto status = housekeeper_->run_once(base_->clock.now()); !status)
                 base_->logger.error("housekeeping", {{"error", status.error()}});
         }},
    };
    chores.push_back({"ocsp responder", base_->config.ocsp_renewal_look, [this] { ocsp_->renew_if_due(); }});
    if (tsa_)
        chores.push_back(
            {"time-stamping units", base_->config.tsa->housekeeping_interval, [this] { tsa_->housekeep(); }});
    return chores;
}

Status Appliance::serve() {
    const DaemonConfig& config = base_->config;
    executor_ = std::make_unique<PoolExecutor>(config.workers, config.workers_per_client);
    base_->ledger->set_executor(executor_.get());
    workers_ = std::make_unique<WorkerPool>(config.workers, config.queue_limit, config.workers_per_client);
    document_workers_ = std::make_unique<WorkerPool>(config.document_threads, config.deposits.count,
                                                     (config.document_threads + 1) / 2);
    admin_workers_ = std::make_unique<WorkerPool>(config.admin_threads, config.side_queue_limit);
    public_workers_ = std::make_unique<WorkerPool>(config.public_threads, config.side_queue_limit);
    ocsp_workers_ = std::make_unique<WorkerPool>(config.public_threads, config.side_queue_limit);
    // One thread each: who waits for the log's publication waits for the same one, and health is a quick
    // look.
    publishing_lane_ = std::make_unique<WorkerPool>(1, config.side_queue_limit);
    health_lane_ = std::make_unique<WorkerPool>(1, config.side_queue_limit);

    SIGILLO_ASSIGN(const ipc::ServerConfig signing, socket_config(config.signing_socket));
    SIGILLO_ASSIGN(const ipc::ServerConfig anonymous, socket_config(config.public_socket));
    SIGILLO_ASSIGN(const ipc::ServerConfig admin, socket_config(config.admin_socket));
    publisher_->start();
    sweep_->start();
    if (tsa_) tsa_->start();
    ocsp_->renew_if_due();
    housekeeping_ = std::make_unique<Housekeeping>(chores(), base_->logger);
    // What waits for the log's publication has one thread: an HSM that hangs must not keep officers from
    // revoking.
    const auto admin_lane = [this](const sam::AdminRequest& request) -> Lane {
        if (request.has_get_status()) return {health_lane_.get()};
        const bool publishes =
            request.has_get_checkpoint() || request.has_create_backup() || request.has_get_tsa_status();
        return {publishes ? publishing_lane_.get() : admin_workers_.get()};
    };
    const auto public_lane = [this](const sam::PublicRequest& request) -> Lane {
        if (request.has_get_health()) return {health_lane_.get()};
        // Downloads do not wait for what the HSM signs, nor time stamps for OCSP.
        if (request.has_time_stamp()) return {nullptr};
        if (request.has_ocsp()) return {ocsp_workers_.get()};
        return {public_workers_.get()};
    };
    const auto signing_lane = [this](const sam::SigningRequest& request) -> Lane {
        if (request.has_get_health()) return {health_lane_.get()};
        if (reads_documents(request)) return {document_workers_.get(), request.client().spki_sha256()};
        return {workers_.get(), request.client().spki_sha256()};
    };
    Logger& logger = base_->logger;
    SIGILLO_ASSIGN(
        admin_server_,
        ipc::Server::start(
            admin,
            make_handler<sam::AdminRequest, sam::AdminResponse>(
                logger,
                [this](const ipc::Peer& peer, const sam::AdminRequest& request) -> Task<sam::AdminResponse> {
                    co_return admin_service_->handle(peer, request);
                },
                admin_lane),
            logger));
    SIGILLO_ASSIGN(public_server_,
                   ipc::Server::start(anonymous,
                                      make_handler<sam::PublicRequest, sam::PublicResponse>(
                                          logger,
                                          [this](const ipc::Peer&, const sam::PublicRequest& request) {
                                              return public_service_->handle(request);
                                          },
                                          public_lane),
                                      logger));
    SIGILLO_ASSIGN(signing_server_,
                   ipc::Server::start(signing,
                                      make_handler<sam::SigningRequest, sam::SigningResponse>(
                                          logger,
                                          [this](const ipc::Peer&, const sam::SigningRequest& request) {
                                              return signing_service_->handle(request);
                                          },
                                          signing_lane),
                                      logger));
    // Last: a deposit is for a call on the signing socket.
    ipc::FdServerConfig deposit;
    deposit.path = config.deposit_socket;
    deposit.allowed_uids = signing.allowed_uids;
    SIGILLO_ASSIGN(deposit_server_, ipc::FdServer::start(
                                        std::move(deposit),
                                        [this](const ipc::Peer&, ipc::FdMessage message) {
                                            return take_deposit(*deposits_, std::move(message),
                                                                base_->logger);
                                        },
                                        logger));
    return {};
}

bool Appliance::drain(std::chrono::seconds deadline) {
    draining_ = true;
    const auto servers = {signing_server_.get(), public_server_.get(), admin_server_.get()};
    for (ipc::Server* server : servers) server->drain();
    const auto until = std::chrono::steady_clock::now() + deadline;
    const auto busy = [&] {
        std::size_t in_flight = 0;
        for (ipc::Server* server : servers) in_flight += server->in_flight();
        return in_flight > 0;
    };
    while (busy() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return !busy();
}

}  // namespace sigillo
