#include "api/fetch/sigillo-fetch/service.h"

namespace sigillo::fetch {
namespace {

void send(const ipc::Reply& reply, const wire::Response& response) {
    Bytes bytes(response.ByteSizeLong());
    response.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
    reply(std::move(bytes));
}

void set_error(wire::Response& response, const Error& error) {
    response.mutable_error()->set_code(static_cast<std::uint32_t>(error.code));
    response.mutable_error()->set_detail(error.detail);
    response.mutable_error()->set_field(error.field);
}

// One exchange for all who ask for the same thing.
std::string key_of(wire::Kind kind, const std::string& url) {
    return std::to_string(static_cast<int>(kind)) + " " + url;
}

wire::Fetched to_message(const FetchCache::Entry& entry, bool cached) {
    wire::Fetched message;
    message.set_body(entry.body.data(), entry.body.size());
    message.set_cached(cached);
    message.set_fetched_ms(unix_millis(entry.fetched_at));
    return message;
}

std::string_view accepted_by(wire::Kind kind) {
    switch (kind) {
        case wire::KIND_CRL:
            return "application/pkix-crl, */*";
        case wire::KIND_CERTIFICATE:
            return "application/pkix-cert, application/pkcs7-mime, */*";
        default:
            return "application/ocsp-response";
    }
}

}  // namespace

Result<std::unique_ptr<FetchService>> FetchService::create(const FetchConfig& config, const Clock& clock,
                                                           Logger& logger) {
    SIGILLO_ASSIGN(AllowList allow, config.allow_list());
    SIGILLO_ASSIGN(AllowList callbacks, config.callback_list());
    SIGILLO_ASSIGN(auto spool, Spool::open(config.spool, logger));
    return std::unique_ptr<FetchService>(
        new FetchService(config, std::move(allow), std::move(callbacks), std::move(spool), clock, logger));
}

FetchService::FetchService(const FetchConfig& config, AllowList allow, AllowList callbacks,
                           std::unique_ptr<Spool> spool, const Clock& clock, Logger& logger)
    : config_(config),
      allow_(std::move(allow)),
      callback_list_(std::move(callbacks)),
      clock_(clock),
      logger_(logger),
      spool_(std::move(spool)),
      transfers_(config_.transfer),
      cache_(config_.cache, clock),
      callbacks_(config_.callback, {*spool_, transfers_, callback_list_, clock, logger}),
      pool_(config_.threads, config_.queue_limit, config_.threads_per_host),
      spool_lane_(1, config_.queue_limit) {}

FetchService::~FetchService() {
    stop();
}

void FetchService::stop() {
    transfers_.stop();
    pool_.close();
    spool_lane_.close();
}

void FetchService::handle(Bytes payload, ipc::Reply reply) {
    wire::Request request;
    if (!request.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        wire::Response response;
        set_error(response, {Errc::kInvalidArgument, "not a message of this socket"});
        send(reply, response);
        return;
    }
    const std::uint64_t id = request.id();
    const Answer answer = [this, id, reply](Result<wire::Fetched> outcome) {
        wire::Response response;
        response.set_id(id);
        if (outcome) {
            *response.mutable_fetched() = *std::move(outcome);
        } else {
            ++(outcome.error().code == Errc::kForbidden ? refused_ : failed_);
            logger_.warning("fetch_failed", {{"error", outcome.error()}});
            set_error(response, outcome.error());
        }
        send(reply, response);
    };
    const auto done = [id, reply](const Status& status) {
        wire::Response response;
        response.set_id(id);
        if (status)
            response.mutable_done();
        else
            set_error(response, status.error());
        send(reply, response);
    };
    switch (request.body_case()) {
        case wire::Request::kGetUrl:
            get(request.get_url(), answer);
            return;
        case wire::Request::kPostOcsp:
            post_ocsp(request.post_ocsp(), answer);
            return;
        case wire::Request::kKeepUntil:
            if (const auto url = parse_url(request.keep_until().url()))
                cache_.keep_until(key_of(request.keep_until().kind(), url->text),
                                  as_bytes(request.keep_until().sha256()),
                                  from_unix_millis(request.keep_until().until_ms()));
            done({});
            return;
        case wire::Request::kPostCallback: {
            const Status queued = spool_lane_.submit([this, done, body = request.post_callback()] {
                done(callbacks_.accept(body.url(), as_bytes(body.body()), body.id()));
            });
            if (!queued) done(queued);
            return;
        }
        case wire::Request::kCheckCallback: {
            const auto url = parse_url(request.check_callback().url());
            done(url ? callback_list_.check(*url) : std::unexpected(url.error()));
            return;
        }
        case wire::Request::kGetHealth: {
            wire::Response response;
            response.set_id(id);
            *response.mutable_health() = health();
            send(reply, response);
            return;
        }
        default:
            done(fail(Errc::kInvalidArgument, "a request without a body"));
    }
}

Result<std::size_t> FetchService::limit_of(wire::Kind kind) const {
    switch (kind) {
        case wire::KIND_CRL:
            return config_.max_crl_bytes;
        case wire::KIND_CERTIFICATE:
            return config_.max_certificate_bytes;
        case wire::KIND_OCSP:
            return config_.max_ocsp_bytes;
        default:
            return fail(Errc::kInvalidArgument, "a GET of no kind", "kind");
    }
}

Result<wire::Fetched> FetchService::exchange(const Exchange& exchange) {
    SIGILLO_ASSIGN(HttpAnswer http, transfers_.run(exchange));
    if (http.status != 200)
        return fail(http.status == 404 || http.status == 410 ? Errc::kNotFound : Errc::kUnavailable,
                    http.url.origin.text() + " answers HTTP " + std::to_string(http.status));
    if (http.body.empty()) return fail(Errc::kUnavailable, http.url.origin.text() + " answers nothing");
    ++fetched_;
    return to_message({std::move(http.body), clock_.now()}, false);
}

void FetchService::get(const wire::GetUrl& request, Answer answer) {
    const auto url = parse_url(request.url());
    const Status allowed = url ? allow_.check(*url) : std::unexpected(url.error());
    const auto limit = limit_of(request.kind());
    if (!allowed || !limit) {
        answer(std::unexpected(allowed ? limit.error() : allowed.error()));
        return;
    }
    const std::string key = key_of(request.kind(), url->text);
    if (!request.fresh())
        if (const auto kept = cache_.find(key)) {
            ++cached_;
            answer(to_message(*kept, true));
            return;
        }
    {
        const std::lock_guard lock(mutex_);
        auto& waiting = flights_[key];
        waiting.push_back(std::move(answer));
        if (waiting.size() > 1) return;
    }
    const Status queued = pool_.submit(
        [this, key, url = *url, kind = request.kind(), limit = *limit] {
            auto outcome = exchange(
                {.url = url, .list = allow_, .max_bytes = limit, .accept = std::string(accepted_by(kind))});
            if (outcome) cache_.keep(key, to_bytes(as_bytes(outcome->body())));
            end_flight(key, outcome);
        },
        url->origin.text());
    if (!queued) end_flight(key, std::unexpected(queued.error()));
}

void FetchService::end_flight(const std::string& key, const Result<wire::Fetched>& outcome) {
    std::vector<Answer> waiting;
    {
        const std::lock_guard lock(mutex_);
        const auto found = flights_.find(key);
        waiting.swap(found->second);
        flights_.erase(found);
    }
    for (const Answer& answer : waiting) answer(outcome);
}

void FetchService::post_ocsp(const wire::PostOcsp& request, Answer answer) {
    const auto url = parse_url(request.url());
    const Status allowed = url ? allow_.check(*url) : std::unexpected(url.error());
    if (!allowed) {
        answer(std::unexpected(allowed.error()));
        return;
    }
    if (request.request().size() > config_.max_ocsp_request_bytes) {
        answer(
            fail(Errc::kLimitExceeded,
                 "an OCSP request has at most " + std::to_string(config_.max_ocsp_request_bytes) + " bytes",
                 "request"));
        return;
    }
    const Status queued = pool_.submit(
        [this, url = *url, body = request.request(), answer] {
            answer(exchange({.url = url,
                             .list = allow_,
                             .max_bytes = config_.max_ocsp_bytes,
                             .post = true,
                             .body = as_bytes(body),
                             .content_type = "application/ocsp-request",
                             .accept = "application/ocsp-response"}));
        },
        url->origin.text());
    if (!queued) answer(std::unexpected(queued.error()));
}

wire::Health FetchService::health() const {
    wire::Health health;
    const Callbacks::State callbacks = callbacks_.state();
    wire::HealthItem& item = *health.add_items();
    item.set_name("callbacks");
    item.set_state("ok");
    const auto trouble = [&item](std::string reason) {
        item.set_state("degraded");
        item.set_reason(std::move(reason));
    };
    // An hour is more than the first ten tries take.
    constexpr std::chrono::hours kLong{1};
    if (spool_->damaged() != 0)
        trouble(std::to_string(spool_->damaged()) +
                " callbacks were unreadable at the start: *.bad in the spool");
    else if (callbacks.waiting * 10 >= config_.spool.entries * 8)
        trouble(std::to_string(callbacks.waiting) + " callbacks wait, of " +
                std::to_string(config_.spool.entries));
    else if (callbacks.waiting != 0 && clock_.now() - callbacks.oldest > kLong)
        trouble(std::to_string(callbacks.waiting) + " callbacks wait, the oldest since " +
                rfc3339(callbacks.oldest) + ": " + callbacks.last_error);
    auto& metrics = *health.mutable_metrics();
    metrics["sigillo_fetch_fetched_total"] = static_cast<double>(fetched_);
    metrics["sigillo_fetch_cached_total"] = static_cast<double>(cached_);
    metrics["sigillo_fetch_failed_total"] = static_cast<double>(failed_);
    metrics["sigillo_fetch_refused_total"] = static_cast<double>(refused_);
    metrics["sigillo_fetch_waiting"] = static_cast<double>(pool_.waiting());
    metrics["sigillo_callbacks_waiting"] = static_cast<double>(callbacks.waiting);
    metrics["sigillo_callbacks_delivered_total"] = static_cast<double>(callbacks.delivered);
    metrics["sigillo_callbacks_failed_total"] = static_cast<double>(callbacks.failures);
    metrics["sigillo_callbacks_given_up_total"] = static_cast<double>(callbacks.given_up);
    return health;
}

}  // namespace sigillo::fetch
