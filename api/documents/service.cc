#include "api/documents/service.h"

#include <algorithm>

#include "api/json/writer.h"
#include "hardening/hardening.h"

namespace sigillo::api::documents {
namespace {

// A request of a few KiB takes descriptors and pages all the same.
constexpr std::uint64_t kLeastMemory = std::uint64_t{1} << 18;
constexpr std::uint64_t kCopies = 3;

}  // namespace

// Answers of strangers are read by a document worker.
class Service::Checker final : public ProofChecker {
 public:
    Checker(const DocClientConfig& doc, const Clock& clock) : doc_(doc), clock_(clock) {}

    Task<Result<CheckedProof>> check(const NeededProof& needed, ProofKind kind,
                                     const Bytes& answer) override {
        co_return ask(needed, kind, answer);
    }

 private:
    Result<CheckedProof> ask(const NeededProof& needed, ProofKind kind, const Bytes& answer) const {
        doc::Request request;
        auto& job = *request.mutable_check_proof();
        job.mutable_needed()->set_certificate(std::string(as_text(needed.certificate)));
        job.mutable_needed()->set_issuer(std::string(as_text(needed.issuer)));
        job.mutable_needed()->set_subject(needed.subject);
        job.set_kind(static_cast<std::uint32_t>(kind));
        job.set_answer(std::string(as_text(answer)));
        job.set_now_ms(unix_millis(clock_.now()));
        SIGILLO_ASSIGN(const auto checked, ask_worker(doc_, request, {}, doc::Answer::kCheckedProof));
        CheckedProof out;
        out.next_update = from_unix_millis(checked.checked_proof().next_update_ms());
        out.further = proofs_of(checked.checked_proof().further());
        for (const auto& der : checked.checked_proof().certificates())
            out.certificates.push_back(to_bytes(der));
        return out;
    }

    const DocClientConfig doc_;
    const Clock& clock_;
};

Result<std::unique_ptr<Service>> Service::create(DocumentsConfig config, Parts parts) {
    SIGILLO_TRY(check_private_directory(config.spool.directory));
    std::unique_ptr<Service> service(new Service(std::move(config), parts));
    SIGILLO_TRY(service->prepared_.open());
    return service;
}

Service::Service(DocumentsConfig config, Parts parts)
    : config_(std::move(config)),
      logger_(parts.logger),
      memory_(std::make_shared<SpoolBudget>(config_.memory_mib << 20)),
      spool_(config_.spool, parts.random),
      results_(config_.results, parts.clock, parts.random),
      prepared_({config_.spool.directory, config_.prepared, config_.prepared_mib << 20, config_.prepared_life,
                 config_.prepared_life_after},
                parts.clock, parts.random),
      fetcher_(parts.fetcher) {
    const std::size_t share = std::max<std::size_t>(1, config_.threads / 2);
    executor_ = std::make_unique<PoolExecutor>(config_.threads, share);
    checker_ = std::make_unique<Checker>(config_.doc, parts.clock);
    gatherer_ = std::make_unique<ValidationGatherer>(
        config_.validation,
        ValidationGatherer::Parts{parts.sam, fetcher_, *checker_, *executor_, parts.clock, parts.logger});
    tools_ = std::make_unique<Toolbox>(Toolbox{.sam = parts.sam,
                                               .executor = *executor_,
                                               .doc = config_.doc,
                                               .deposit = config_.deposit,
                                               .gatherer = *gatherer_,
                                               .clock = parts.clock,
                                               .logger = parts.logger});
    intake_ = std::make_unique<WorkerPool>(config_.threads, config_.queue_limit, share);
}

Service::~Service() {
    // Its threads may still be behind the last answer.
    in_flight_->wait_for_none(std::chrono::hours(1));
}

bool Service::close(std::chrono::milliseconds deadline) {
    closed_ = true;
    return in_flight_->wait_for_none(deadline);
}

std::shared_ptr<void> InFlight::hold(const std::shared_ptr<InFlight>& all) {
    {
        const std::lock_guard lock(all->mutex_);
        ++all->count_;
    }
    return {nullptr, [all](std::nullptr_t) {
                const std::lock_guard lock(all->mutex_);
                if (--all->count_ == 0) all->none_.notify_all();
            }};
}

bool InFlight::wait_for_none(std::chrono::milliseconds deadline) {
    std::unique_lock lock(mutex_);
    return none_.wait_for(lock, deadline, [this] { return count_ == 0; });
}

Status Service::run(Call& call, std::function<void(std::shared_ptr<Job>)> work) {
    if (closed_) return fail(Errc::kUnavailable, "the service stops");
    const std::uint64_t body =
        call.request.body_file ? call.request.body_file->size() : call.request.body.size();
    const std::uint64_t bytes = std::max(kLeastMemory, body * kCopies);
    if (!memory_->take(bytes)) return fail(Errc::kUnavailable, "documents of other requests fill the memory");
    auto job = std::make_shared<Job>(Job{.request = std::move(call.request),
                                         .responder = call.responder,
                                         .caller = {call.client},
                                         .memory = std::make_shared<MemoryTicket>(memory_, bytes),
                                         .in_flight = hold()});
    const std::string name = job->caller.name();
    return intake_->submit(
        [this, job, work = std::move(work)] {
            try {
                work(job);
            } catch (const std::exception& e) {
                logger_.error("document_fault", {{"what", e.what()}});
                job->responder.send(plain_problem(500, "Internal error", "the appliance's own fault"));
            }
        },
        name);
}

void Service::check_place(const std::string& uri, std::function<void(Status)> then) {
    if (fetcher_ == nullptr)
        then(fail(Errc::kForbidden, "nobody delivers callbacks", "url"));
    else
        fetcher_->check_callback(uri, std::move(then));
}

void Service::notify(const std::string& uri, const std::string& id) {
    json::Writer out;
    out.begin_object().member("responseID", id).end_object();
    const std::string body = out.take();
    if (fetcher_ == nullptr) return;  // such a request was refused
    fetcher_->post_callback(uri, as_bytes(body), id, [&logger = logger_](Status taken) {
        if (!taken) logger.warning("callback_not_taken", {{"error", taken.error()}});
    });
}

}  // namespace sigillo::api::documents
