#include "tsa/authority.h"

#include <algorithm>
#include <thread>

#include "appliance/base/encoding.h"
#include "appliance/base/oid.h"
#include "tsa/failure.h"
#include "tsa/token_log.h"

namespace sigillo::tsa {
namespace {

// EN 319 421 §7.7.2: one second or better; what is finer than a millisecond nobody can promise over a
// network.
constexpr Microseconds kBestAccuracy = std::chrono::milliseconds(1);
constexpr Microseconds kWorstAccuracy = std::chrono::seconds(1);

std::size_t index_of(PkiFailureInfo info) {
    return static_cast<std::size_t>(std::ranges::find(kAllFailures, info) - kAllFailures.begin());
}

}  // namespace

Authority::Authority(AuthorityConfig config, Parts parts)
    : config_(std::move(config)), parts_(parts), serials_(config_.node, parts.random) {}

Result<std::unique_ptr<Authority>> Authority::create(AuthorityConfig config, Parts parts) {
    std::unique_ptr<Authority> authority(new Authority(std::move(config), parts));
    SIGILLO_TRY(authority->prepare());
    SIGILLO_TRY(authority->log_start());
    return authority;
}

Status Authority::prepare() {
    const Microseconds accuracy = parts_.time.accuracy();
    if (accuracy < kBestAccuracy || accuracy > kWorstAccuracy)
        return fail(Errc::kInvalidArgument, "the accuracy that tokens state is 1 ms to 1 s", "accuracy");
    digits_ = gen_time_digits(accuracy);
    accuracy_ = encode_accuracy(accuracy);

    SIGILLO_ASSIGN(Bytes unchecked, encode_oid(config_.unchecked_policy));
    if (!parts_.time.checked()) {
        policies_.push_back({config_.unchecked_policy, std::move(unchecked)});
        return {};
    }
    if (config_.policies.empty())
        return fail(Errc::kInvalidArgument, "a TSA needs a policy: give its OID", "policies");
    for (const std::string& dotted : config_.policies) {
        SIGILLO_ASSIGN(Bytes content, encode_oid(dotted));
        if (content == unchecked)
            return fail(Errc::kInvalidArgument, dotted + " is the policy of tokens without a checked clock",
                        "policies");
        policies_.push_back({dotted, std::move(content)});
    }
    return {};
}

Status Authority::log_start() {
    std::vector<std::string> policies;
    for (const Policy& policy : policies_) policies.push_back(policy.dotted);
    std::vector<std::string> units;
    for (const auto& unit : *parts_.units.in_service()) units.push_back(unit->id.str());
    return parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        audit::Event event = recorder.event("tsa.started");
        event.set("first_serial", hex_encode(serials_.first()))
            .set("accuracy_us", static_cast<std::uint64_t>(parts_.time.accuracy().count()))
            .set_flag("clock_checked", parts_.time.checked())
            .set_list("policies", policies)
            .set_list("units", units);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
}

Status Authority::stop(std::string_view reason) {
    return parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        audit::Event event = recorder.event("tsa.stopped");
        event.set("first_serial", hex_encode(serials_.first()))
            .set("tokens", granted_.load())
            .set("reason", reason);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
}

// RFC 3161 §2.4.1: "reqPolicy, if included, indicates the TSA policy under which the token SHOULD be
// provided"; one that is not supported is refused (§2.4.2, unacceptedPolicy).
const Authority::Policy* Authority::policy_of(const TimeStampRequest& request) const {
    if (request.policy().empty()) return &policies_.front();
    const auto found = std::ranges::find_if(
        policies_, [&](const Policy& policy) { return equal(policy.content, request.policy()); });
    return found == policies_.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const TimeStampingUnit>> Authority::unit_for(const Policy& policy,
                                                                    PreciseTime now) const {
    const auto units = parts_.units.in_service();
    // Without a checked clock there is one policy, and units know only those of the checked one.
    const bool any = !parts_.time.checked();
    const auto found = std::ranges::find_if(*units, [&](const auto& unit) {
        return unit->may_sign_at(now) && (any || unit->serves(policy.dotted));
    });
    if (found == units->end())
        return fail(Errc::kNotFound, units->empty()
                                         ? "no time-stamping unit is active"
                                         : "no active unit serves " + policy.dotted + " at this time");
    return *found;
}

Task<std::expected<Bytes, TspFailure>> Authority::issue(const TimeStampRequest& request) {
    const Policy* policy = policy_of(request);
    if (policy == nullptr)
        co_return std::unexpected(
            refuse({PkiFailureInfo::kUnacceptedPolicy, "reqPolicy: this TSA has no such policy"}, nullptr));
    auto response = co_await stamp(request, *policy);
    if (!response) co_return std::unexpected(refuse(failure_of(response.error()), &response.error()));
    granted_.fetch_add(1, std::memory_order_relaxed);
    co_return *std::move(response);
}

Task<Bytes> Authority::respond(const TimeStampRequest& request) {
    auto response = co_await issue(request);
    co_return response ? *std::move(response) : encode_rejection(response.error());
}

Task<Result<Bytes>> Authority::stamp(const TimeStampRequest& request, const Policy& policy) {
    const BootTime until = parts_.ledger.clock().boot_now() + config_.rotation_patience;
    for (;;) {
        // 1. A trusted clock.
        SIGILLO_CO_ASSIGN(const PreciseTime now, parts_.time.now());
        // 2. A unit for this policy, now.
        SIGILLO_CO_ASSIGN(const auto unit, unit_for(policy, now));
        // 3. Room for the log.
        SIGILLO_CO_TRY(parts_.reserve.check());
        auto response = co_await stamp_with(*unit, request, policy, now);
        // The unit was rotated out between 2 and 5: its successor serves in a moment.
        const bool rotated = !response && response.error().code == Errc::kConflict;
        if (!rotated || parts_.ledger.clock().boot_now() > until) co_return response;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

Task<Result<Bytes>> Authority::stamp_with(const TimeStampingUnit& unit, const TimeStampRequest& request,
                                          const Policy& policy, PreciseTime now) {
    // 4. What is signed.
    const SerialNumber serial = serials_.next();
    const GenTime gen_time(now, digits_);
    // genTime is cut, and what is cut off must not lead out of the key's period.
    if (!unit.may_sign_at(gen_time.time()))
        co_return fail(Errc::kNotFound, "the usage period of the unit's key has not begun");
    const ByteView name = config_.name_in_tokens ? unit.token.name() : ByteView();
    const Bytes tst_info = encode_tst_info(request, policy.content, serial, gen_time, {accuracy_, name});
    const Bytes attributes = unit.token.signed_attributes(tst_info);
    const SignatureScheme scheme = unit.token.scheme();
    const Digest digest = digest_of(scheme.hash, attributes);
    // 5. Written down before the key is used.
    const TokenEntry entry{unit, serial, request.imprint(), policy.dotted, gen_time.text()};
    SIGILLO_CO_TRY(co_await log_token(parts_.ledger, entry));
    // 6. Signed.
    SIGILLO_CO_ASSIGN(const Bytes signature, unit.key->sign(scheme, digest));
    // 7. Verified.
    SIGILLO_CO_ASSIGN(const bool holds, unit.verifier.verify(scheme, digest, signature));
    if (!holds) co_return fail(Errc::kHsmFailed, "the HSM's signature of a time stamp does not hold");
    // 8. The moment the clock cannot be trusted, no token leaves.
    SIGILLO_CO_TRY(parts_.time.now());
    co_return unit.token.response(tst_info, attributes, signature, request.cert_req());
}

// Counts it, and tells the operator of our own failures, not more often than configured.
TspFailure Authority::refuse(TspFailure failure, const Error* error) {
    const std::size_t index = index_of(failure.info);
    refused_[index].fetch_add(1, std::memory_order_relaxed);
    if (error != nullptr) {
        const std::int64_t now = parts_.ledger.clock().boot_now().count();
        std::int64_t due = complaint_due_ms_[index].load(std::memory_order_relaxed);
        if (now >= due &&
            complaint_due_ms_[index].compare_exchange_strong(due, now + config_.complaint_interval.count()))
            parts_.logger.error("tsa_refused", {{"failure", failure_name(failure.info)},
                                                {"refused_so_far", refused_[index].load()},
                                                {"error", *error}});
    }
    return failure;
}

void Authority::time_changed(const TimeChange& change) {
    const bool good = change.now.state == TimeState::kTrusted;
    parts_.logger.write(good ? Severity::kNotice : Severity::kError, "tsa_time",
                        {{"state", time_state_name(change.now.state)},
                         {"before", time_state_name(change.before)},
                         {"reason", change.now.reason},
                         {"announcement", change.now.announcement},
                         {"error_us", std::int64_t{change.now.error.count()}}});
    if (const Status logged = log_time_change(parts_.ledger, change); !logged)
        parts_.logger.error("tsa_time_not_logged", {{"error", logged.error()}});
}

AuthorityCounters Authority::counters() const {
    AuthorityCounters counters;
    counters.granted = granted_;
    for (std::size_t i = 0; i < refused_.size(); ++i) counters.refused[i] = refused_[i];
    return counters;
}

}  // namespace sigillo::tsa
