#include "appliance/activation/activator.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "appliance/activation/situation.h"
#include "appliance/activation/standing.h"

namespace sigillo::activation {
namespace {

Status check_hashes(std::span<const Digest> hashes, HashAlgorithm algorithm) {
    if (hashes.empty()) return fail(Errc::kInvalidArgument, "no hashes", "hashes");
    std::set<std::string_view> seen;
    for (const Digest& hash : hashes) {
        if (hash.algorithm() != algorithm)
            return fail(Errc::kInvalidArgument, "a hash is of another algorithm than said", "hashes");
        if (!seen.insert(as_text(hash.bytes())).second)
            return fail(Errc::kInvalidArgument, "a hash is given twice", "hashes");
    }
    return {};
}

Status check_hash_type(record::HashType type) {
    if (type == record::HASH_TYPE_DTBSR || type == record::HASH_TYPE_SDR) return {};
    return fail(Errc::kInvalidArgument, "the type of the hashes is dtbsr or sdr", "hashType");
}

}  // namespace

Activator::Activator(ActivatorConfig config, Parts parts)
    : config_(config),
      parts_(std::move(parts)),
      clock_(parts_.ledger.clock()),
      lockout_(config_.lockout, clock_),
      gate_(config_.lockout.waiting, config_.lockout.wait),
      evidence_(parts_.ledger.codec(), parts_.random, config_.evidence_retention) {}

std::unexpected<Error> Activator::refuse(const CredentialId& credential, const ClientId& client,
                                         Error error) {
    // What names no credential of this tenant touched none.
    if (is_refusal(error.code) && error.code != Errc::kNotFound) {
        ++refused_;
        parts_.refusals.record("activation.refused", credential, client, error.code);
    }
    return std::unexpected(std::move(error));
}

template <class Request>
std::unexpected<Error> Activator::refuse_unseen(const Request& request, Error error) {
    const Status own = parts_.ledger.view([&](ReadTransaction& txn) -> Status {
        SIGILLO_ASSIGN(const auto credential, require(txn, parts_.ledger.codec(), tables::kCredentials,
                                                      key_of(request.credential.str()), "credentialID"));
        if (credential.value.tenant() != request.tenant ||
            credential.value.status() == record::STATUS_DELETED)
            return fail(Errc::kNotFound, "credentials: another tenant's, or deleted", "credentialID");
        return {};
    });
    if (!own) return std::unexpected(std::move(error));
    return refuse(request.credential, request.client, std::move(error));
}

Status Activator::check_request(const AuthorizeRequest& request) const {
    if (request.hashes.size() > config_.hashes_limit)
        return fail(Errc::kLimitExceeded,
                    "at most " + std::to_string(config_.hashes_limit) + " hashes at once", "numSignatures");
    SIGILLO_TRY(check_hash_type(request.hash_type));
    SIGILLO_TRY(check_hashes(request.hashes, request.hash_algorithm));
    if (request.description.size() > config_.text_limit)
        return fail(Errc::kLimitExceeded, "longer than " + std::to_string(config_.text_limit) + " bytes",
                    "description");
    if (request.client_data.size() > config_.text_limit)
        return fail(Errc::kLimitExceeded, "longer than " + std::to_string(config_.text_limit) + " bytes",
                    "clientData");
    SIGILLO_TRY(check_utf8(request.description, "description"));
    return check_utf8(request.client_data, "clientData");
}

// The numbers are those of the comments at the functions below.
Task<Result<Authorization>> Activator::authorize(const AuthorizeRequest& request) {
    if (auto fits = check_request(request); !fits) co_return refuse_unseen(request, std::move(fits).error());
    // 1. What the credential is and what it asks for.
    auto situation = survey(request);
    if (!situation) co_return refuse(request.credential, request.client, std::move(situation).error());
    if (auto clock = parts_.clock_check(); !clock)
        co_return refuse(request.credential, request.client, std::move(clock).error());

    // A click alone cannot be guessed: nothing to count, one transaction.
    if (!situation->guess()) {
        SIGILLO_CO_ASSIGN(const Evaluation evaluation, evaluate(request, *situation));
        co_return co_await decide(request, *situation, evaluation, nullptr);
    }

    // 2. The failure is counted before anything is verified.
    const auto pass = gate_.enter(request.credential, situation->factors());
    if (!pass) {
        ++refused_;
        parts_.refusals.record("activation.refused", request.credential, request.client, pass.error().code);
        co_return std::unexpected(pass.error());
    }
    auto reservation = co_await reserve(request, *situation);
    if (!reservation) co_return refuse(request.credential, request.client, std::move(reservation).error());

    // 3. All factors are evaluated, outside of transactions.
    auto evaluation = evaluate(request, *situation);
    Status clock = parts_.clock_check();  // it may have jumped meanwhile
    if (!evaluation || !clock) {
        const Error error = evaluation ? std::move(clock).error() : std::move(evaluation).error();
        SIGILLO_CO_TRY(co_await release(request, *situation, *reservation, error.code));
        co_return std::unexpected(error);
    }

    // 4. Right ones are spent, and one answer is given.
    co_return co_await decide(request, *situation, *evaluation, &*reservation);
}

// 1. One snapshot: client, tenant and credential belong together; the credential is active, its certificate
// valid; what is shown can satisfy the policy at all. A request that cannot is no guess, and costs no try.
Result<Activator::Situation> Activator::survey(const AuthorizeRequest& request) {
    const RecordCodec& codec = parts_.ledger.codec();
    return parts_.ledger.view([&](ReadTransaction& txn) -> Result<Situation> {
        SIGILLO_ASSIGN(auto credential, load_standing(txn, codec, request.client, request.tenant,
                                                      request.credential, clock_.now()));
        if (request.hashes.size() > credential->value.multisign())
            return fail(Errc::kLimitExceeded,
                        "the credential signs at most " + std::to_string(credential->value.multisign()) +
                            " hashes at once",
                        "numSignatures");
        // Checked when it was stored; its own limits then may have been wider than today's.
        SIGILLO_ASSIGN(Policy policy, Policy::parse(credential->value.policy(), kStoredPolicyLimits));
        Situation situation{std::move(credential), std::move(policy), {}, nullptr, {}};

        for (const AuthDatum& datum : request.auth_data) {
            const auto type = factor_from_word(datum.id, "authData");
            if (!type || !situation.policy.words().contains(*type))
                return fail(Errc::kInvalidArgument,
                            "an id is no factor of the policy " + situation.policy.text(), "authData");
            if (situation.shown.contains(*type))
                return fail(Errc::kInvalidArgument, "an id is given twice", "authData");
            situation.shown.insert(*type);
            if (*type == FactorType::kClick) {
                situation.click = &datum.value;
                continue;
            }
            const record::Credential& terms = situation.credential->value;
            const auto bound = terms.factors().find(std::string(factor_word(*type)));
            if (bound == terms.factors().end())
                return fail(Errc::kCorrupt, "the credential binds no factor for its policy");
            SIGILLO_ASSIGN(FactorId id, FactorId::parse(bound->second));
            SIGILLO_ASSIGN(auto factor, require(txn, codec, tables::kFactors, key_of(id.str()), "factorID"));
            if (factor.value.signer_id() != terms.signer_id() || factor.value.type() != factor_word(*type))
                return fail(Errc::kCorrupt, "the credential binds a factor of another signer or type");
            std::int64_t last_step = -1;
            if (is_otp(*type)) {
                SIGILLO_ASSIGN(const auto state,
                               require(txn, codec, tables::kFactorStates, key_of(id.str()), "factorID"));
                last_step = state.value.last_step();
            }
            situation.bound.push_back({*type, std::move(id), std::move(factor), last_step, &datum.value});
        }
        if (!situation.policy.evaluate(situation.shown))
            return fail(Errc::kAuthenticationFailed,
                        "authData lacks factors of the policy " + situation.policy.text(), "authData");
        return situation;
    });
}

// 2. Durable on return: a crash from here on leaves a counted failure, never an uncounted guess.
Task<Result<Reservation>> Activator::reserve(const AuthorizeRequest& request, const Situation& situation) {
    const std::vector<FactorId> shown = situation.factors();
    co_return co_await parts_.ledger.commit(
        request.client.str(), [&](audit::Recorder& recorder) -> Result<Reservation> {
            SIGILLO_ASSIGN(Reservation reservation,
                           lockout_.reserve(recorder, {request.credential, request.client, shown}));
            auto event = recorder.event("activation.attempt");
            event.set("credential", request.credential.str())
                .set("client", request.client.str())
                .set("failures", std::uint64_t{reservation.failures});
            if (reservation.locked) event.set_flag("locks", true);
            std::vector<std::string> locked;
            for (const auto& factor : reservation.factors)
                if (factor.locked) locked.push_back(factor.id.str());
            if (!locked.empty()) event.set_list("locks_factors", locked);
            SIGILLO_TRY(recorder.log(std::move(event)));
            return reservation;
        });
}

// Nothing could be verified (HSM away, clock jumped): the try is given back.
Task<Status> Activator::release(const AuthorizeRequest& request, const Situation& situation,
                                const Reservation& reservation, Errc reason) {
    ++refused_;
    const std::vector<FactorId> shown = situation.factors();
    co_return co_await parts_.ledger.commit(request.client.str(), [&](audit::Recorder& recorder) -> Status {
        SIGILLO_TRY(lockout_.release(recorder, {request.credential, request.client, shown}, reservation));
        auto event = recorder.event("activation.refused");
        event.set("credential", request.credential.str())
            .set("client", request.client.str())
            .set("reason", errc_name(reason));
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    });
}

Task<Result<Authorization>> Activator::extend(const ExtendRequest& request) {
    // Without a type it is the SAD's own.
    Status fits;
    if (request.hash_type != record::HASH_TYPE_UNSPECIFIED) fits = check_hash_type(request.hash_type);
    if (fits) fits = check_hashes(request.hashes, request.hash_algorithm);
    if (!fits) co_return refuse_unseen(request, std::move(fits).error());
    const NewSad fresh = parts_.sads.generate();
    auto extended = co_await parts_.ledger.commit(
        request.client.str(), [&](audit::Recorder& recorder) -> Result<std::chrono::seconds> {
            SIGILLO_ASSIGN(const auto credential,
                           load_standing(recorder.transaction(), recorder.codec(), request.client,
                                         request.tenant, request.credential, clock_.now()));
            const SadUse use{request.sad,
                             request.client,
                             request.credential,
                             request.hash_type,
                             request.hash_algorithm,
                             request.hashes,
                             activations_from(credential->value, recorder.epoch())};
            SIGILLO_ASSIGN(const auto extension, parts_.sads.extend(recorder, use, fresh));
            auto event = recorder.event("activation.extended");
            event.set("credential", request.credential.str())
                .set("signer", extension.signer_id)
                .set("client", request.client.str())
                .set("tenant", request.tenant)
                .set("hash_type", hash_type_name(extension.hash_type))
                .set("activation", extension.activation_index)
                .set_base64("voided_sad_sha256", sad_digest(request.sad));
            SIGILLO_TRY(log_with_hashes(recorder, std::move(event), fresh.digest, request.hash_algorithm,
                                        request.hashes));
            return extension.lifetime;
        });
    if (!extended) co_return refuse(request.credential, request.client, std::move(extended).error());
    ++extended_;
    co_return Authorization{fresh.text.clone(), *extended};
}

ActivationMetrics Activator::metrics() const {
    return {granted_.load(), extended_.load(), refused_.load(), parts_.refusals.unlogged()};
}

}  // namespace sigillo::activation
