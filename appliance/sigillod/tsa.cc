#include "appliance/sigillod/tsa.h"

#include <algorithm>
#include <thread>

#include "appliance/issuance/x509/chain_check.h"
#include "tsa/tables.h"

namespace sigillo {
namespace {

constexpr std::array kTrackedSpaces{tsa::kUnits.space};

Status check_unit_chain(std::span<const Bytes> chain, const PublicKey& key, WallTime now) {
    SIGILLO_TRY(check_chain(chain, key, now));
    return {};
}

}  // namespace

Result<std::unique_ptr<Tsa>> Tsa::assemble(const Foundation& base, const TsaSettings& settings,
                                           TsaTimeSeam seam) {
    std::unique_ptr<Tsa> made(new Tsa(base, settings));
    SIGILLO_TRY(made->build(seam));
    return made;
}

Tsa::~Tsa() {
    close();
    stop();
}

Status Tsa::build(TsaTimeSeam seam) {
    SIGILLO_ASSIGN(below_, lay_tsa_foundation(base_, settings_));
    SIGILLO_ASSIGN(publisher_,
                   audit::Publisher::create(*below_->store, *below_->log, *below_->identity, below_->places,
                                            base_.clock, base_.logger, settings_.log));
    sweep_ = std::make_unique<audit::Sweep>(*below_->ledger, *below_->log, base_.logger, settings_.sweep,
                                            kTrackedSpaces);
    SIGILLO_ASSIGN(units_, tsa::Units::open(settings_.units, {*below_->ledger, *below_->keys, base_.random,
                                                              base_.logger, check_unit_chain}));
    reserve_ = std::make_unique<tsa::DiskReserve>(settings_.reserve, base_.clock);
    SIGILLO_TRY(build_time(seam));
    SIGILLO_ASSIGN(authority_,
                   tsa::Authority::create(settings_.authority, {*below_->ledger, *units_, *time_, *reserve_,
                                                                base_.random, base_.logger}));
    executor_ = std::make_unique<PoolExecutor>(settings_.threads, 0);
    below_->ledger->set_executor(executor_.get());
    return {};
}

Status Tsa::build_time(TsaTimeSeam seam) {
    if (seam.clock == nullptr) {
        clock_ = std::make_unique<tsa::SystemKernelClock>();
        seam.clock = clock_.get();
    }
    if (!settings_.kernel_time) {
        base_.logger.warning("tsa_clock_unchecked", {{"policy", settings_.authority.unchecked_policy}});
        time_ = std::make_unique<tsa::UncheckedTimeSource>(*seam.clock, settings_.time.accuracy);
        return {};
    }
    if (seam.daemon == nullptr) {
        daemon_ = std::make_unique<tsa::ChronyClient>(settings_.chrony);
        seam.daemon = daemon_.get();
    }
    SIGILLO_ASSIGN(auto kernel, tsa::KernelTimeSource::create(settings_.time, *seam.clock, *seam.daemon));
    kernel_time_ = kernel.get();
    time_ = std::move(kernel);
    return {};
}

void Tsa::start() {
    publisher_->start();
    sweep_->start();
    if (kernel_time_ != nullptr)
        kernel_time_->start([this](const tsa::TimeChange& change) { authority_->time_changed(change); });
}

void Tsa::close() {
    closed_ = true;
}

void Tsa::stop() {
    if (stopped_) return;
    stopped_ = true;
    // What the store has in hand goes on on the executor.
    while (in_the_making_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (below_ && below_->ledger) below_->ledger->set_executor(nullptr);
    executor_.reset();
    if (kernel_time_ != nullptr) kernel_time_->stop();
    if (authority_)
        if (const Status logged = authority_->stop("shutdown"); !logged)
            base_.logger.error("tsa_stop_not_logged", {{"error", logged.error()}});
    if (sweep_) sweep_->stop();
    if (publisher_) publisher_->stop();
}

Result<Tsa::Place> Tsa::admit() {
    ++in_the_making_;
    Place place(in_the_making_);
    if (in_the_making_ > settings_.queue_limit)
        return fail(Errc::kUnavailable, "too many time stamps are in the making", "tsa.queue_limit");
    if (closed_) return fail(Errc::kUnavailable, "shutting down");
    return place;
}

Task<sam::TimeStamped> Tsa::stamp(const sam::TimeStamp& message) {
    const auto answer = [](const std::expected<Bytes, tsa::TspFailure>& outcome) {
        sam::TimeStamped stamped;
        const Bytes rejection = outcome ? Bytes() : tsa::encode_rejection(outcome.error());
        const Bytes& der = outcome ? *outcome : rejection;
        stamped.set_response(der.data(), der.size());
        if (!outcome) stamped.set_failure(std::string(tsa::failure_name(outcome.error().info)));
        return stamped;
    };
    tsa::RequestFields fields;
    // What is none becomes one that create() refuses.
    fields.hash = static_cast<HashAlgorithm>(std::min<std::uint32_t>(message.hash(), 0xFF));
    fields.digest = as_bytes(message.digest());
    fields.null_parameters = message.null_parameters();
    fields.policy = as_bytes(message.policy());
    fields.nonce = as_bytes(message.nonce());
    fields.cert_req = message.cert_req();
    const auto request = tsa::TimeStampRequest::create(fields, settings_.requests);
    if (!request) co_return answer(std::unexpected(request.error()));
    auto issued = co_await authority_->issue(*request);
    co_return answer(std::move(issued));
}

Result<sam::TsaStatus> Tsa::status() {
    // What is committed now: an officer who asks wants to see his own order in it.
    SIGILLO_TRY(publisher_->publish());
    sam::TsaStatus status;
    const tsa::TimeStatus time = time_->status();
    status.set_time_state(time_->checked() ? std::string(tsa::time_state_name(time.state)) : "unchecked");
    status.set_time_reason(time.reason);
    status.set_clock_error_us(time.error.count());
    status.set_accuracy_us(time_->accuracy().count());
    status.set_time_sources(time.sources);
    status.set_announcement(time.announcement);
    if (time_->checked())
        for (const std::string& policy : settings_.authority.policies) status.add_policies(policy);
    else
        status.add_policies(settings_.authority.unchecked_policy);
    status.set_units_in_service(static_cast<std::uint32_t>(units_->in_service()->size()));
    const tsa::AuthorityCounters counters = authority_->counters();
    status.set_tokens(counters.granted);
    for (std::size_t i = 0; i < counters.refused.size(); ++i)
        (*status.mutable_refused())[std::string(tsa::failure_name(tsa::kAllFailures[i]))] =
            counters.refused[i];
    status.set_origin(below_->guard.epoch.origin);
    status.set_epoch(below_->guard.epoch.number);
    status.set_log_size(publisher_->health().committed);
    status.set_checkpoint(publisher_->checkpoint());
    status.set_vkey(below_->identity->verifier_key());
    status.set_free_bytes(reserve_->free_bytes());
    return status;
}

void Tsa::housekeep() {
    // A clock that cannot be trusted must not end a key's life.
    const auto now = time_->now();
    if (!now) return;
    if (const Status kept = units_->housekeep(std::chrono::floor<WallTime::duration>(*now)); !kept)
        base_.logger.error("tsa_housekeeping", {{"error", kept.error()}});
}

void Tsa::watch(Health& health) {
    using State = Health::State;
    health.add_probe([this]() -> Health::Item {
        // Degraded and not failed, here and below: signing goes on.
        const auto now = time_->now();
        return {"tsa clock", now ? State::kOk : State::kDegraded, now ? "" : now.error().detail};
    });
    health.add_probe([this]() -> Health::Item {
        const auto units = units_->in_service();
        if (units->empty()) return {"tsa units", State::kDegraded, "no time-stamping unit is in service"};
        return {"tsa units", State::kOk, ""};
    });
    health.add_probe([this]() -> Health::Item {
        const KeyStoreHealth token = below_->keys->health();
        return {"tsa token", token.usable ? State::kOk : State::kDegraded, token.reason};
    });
    health.add_probe([this]() -> Health::Item {
        const StoreHealth store = below_->store->health();
        return {"tsa store", store.writable && store.reason.empty() ? State::kOk : State::kDegraded,
                store.reason};
    });
    health.add_probe([this]() -> Health::Item {
        const audit::LogHealth log = publisher_->health();
        return {"tsa log", log.publishing ? State::kOk : State::kDegraded, log.reason};
    });
    health.add_probe([this]() -> Health::Item {
        const audit::LogHealth log = publisher_->health();
        return {"tsa anchor", log.anchor.empty() ? State::kOk : State::kDegraded, log.anchor};
    });
    health.add_probe([this]() -> Health::Item {
        const audit::SweepHealth sweep = sweep_->health();
        const std::string reason = !sweep.findings.empty() ? sweep.findings.front() : sweep.error;
        return {"tsa records",
                !sweep.clean     ? State::kFailed
                : reason.empty() ? State::kOk
                                 : State::kDegraded,
                reason};
    });
    health.add_probe([this]() -> Health::Item {
        const Status room = reserve_->check();
        return {"tsa reserve", room ? State::kOk : State::kDegraded, room ? "" : room.error().detail};
    });
    const auto number = [](auto value) { return static_cast<double>(value); };
    health.add_metric("sigillo_tsa_tokens_total",
                      [=, this] { return number(authority_->counters().granted); });
    for (std::size_t i = 0; i < tsa::kAllFailures.size(); ++i) {
        std::string name = "sigillo_tsa_refused_";
        for (const char c : tsa::failure_name(tsa::kAllFailures[i])) {
            if (c >= 'A' && c <= 'Z') name += '_';
            name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        health.add_metric(name + "_total", [=, this] { return number(authority_->counters().refused[i]); });
    }
    // 0 as well for `unchecked`, whose tokens nobody is to trust.
    health.add_metric("sigillo_tsa_clock_trusted",
                      [this] { return time_->checked() && time_->now() ? 1.0 : 0.0; });
    health.add_metric("sigillo_tsa_clock_state",
                      [=, this] { return number(static_cast<unsigned>(time_->status().state)); });
    health.add_metric("sigillo_tsa_clock_error_seconds",
                      [=, this] { return number(time_->status().error.count()) / 1e6; });
    health.add_metric("sigillo_tsa_units_in_service",
                      [=, this] { return number(units_->in_service()->size()); });
    health.add_metric("sigillo_tsa_reserve_free_bytes", [=, this] { return number(reserve_->free_bytes()); });
    health.add_metric("sigillo_tsa_log_leaves", [=, this] { return number(publisher_->health().committed); });
    health.add_metric("sigillo_tsa_log_published",
                      [=, this] { return number(publisher_->health().published); });
    health.add_metric("sigillo_tsa_requests_waiting", [=, this] { return number(in_the_making_.load()); });
}

}  // namespace sigillo
