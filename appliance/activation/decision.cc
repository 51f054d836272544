// What comes of the factors: Activator::evaluate() and Activator::decide().
#include <algorithm>
#include <map>
#include <utility>

#include "appliance/activation/activator.h"
#include "appliance/activation/evidence.h"
#include "appliance/activation/situation.h"
#include "appliance/activation/standing.h"

namespace sigillo::activation {
namespace {

// What the factors were evaluated against must still be what the credential asks for.
bool same_terms(const record::Credential& a, const record::Credential& b) {
    return a.policy() == b.policy() && a.pin_sealed() == b.pin_sealed() &&
           std::ranges::equal(std::map(a.factors().begin(), a.factors().end()),
                              std::map(b.factors().begin(), b.factors().end()));
}

}  // namespace

// 3. Every factor that was shown is looked at, whatever came of the others. An error is the appliance's
// trouble; a wrong factor is an outcome.
Result<Activator::Evaluation> Activator::evaluate(const AuthorizeRequest& request,
                                                  const Situation& situation) {
    Evaluation evaluation;
    evaluation.now = clock_.now();
    if (situation.click != nullptr) {
        auto evidence = parse_click(as_text(situation.click->expose()), config_.click);
        const Status holds = evidence ? check_click(*evidence, request.hashes, evaluation.now, config_.click)
                                      : Status(std::unexpected(evidence.error()));
        if (holds)
            evaluation.click = *std::move(evidence);
        else
            evaluation.click_problem = holds.error().detail;
    }
    for (const Situation::Bound& bound : situation.bound) {
        Evaluation::Outcome& outcome = evaluation.outcomes.emplace_back();
        const record::Factor& factor = bound.factor.value;
        if (factor.deleted()) continue;  // its seed or key is gone
        if (bound.type == FactorType::kPin) {
            auto key = parts_.pins.unlock(bound.id, factor.pin(), *bound.shown);
            outcome.right = key.has_value();
            if (key)
                evaluation.opening_key = *std::move(key);
            else if (key.error().code != Errc::kAuthenticationFailed)
                return std::unexpected(std::move(key).error());
            continue;
        }
        SIGILLO_ASSIGN(const SecretBytes seed, open_seed(bound.id, factor.otp(), parts_.keys));
        outcome.steps =
            bound.type == FactorType::kTotp
                ? match_totp(seed, factor.otp(), *bound.shown, evaluation.now, config_.drift_steps)
                : match_hotp(seed, factor.otp(), *bound.shown, bound.last_step, config_.look_ahead);
        outcome.right = !outcome.steps.empty();
    }
    return evaluation;
}

// 4. One transaction reads everything again, spends what was right and decides.
Task<Result<Authorization>> Activator::decide(const AuthorizeRequest& request, const Situation& situation,
                                              const Evaluation& evaluation, const Reservation* reservation) {
    // Everything slow first: the transaction runs in the committer's thread.
    const NewSad fresh = parts_.sads.generate();
    Bytes sealed_opening_key;
    if (situation.credential->value.pin_sealed() && !evaluation.opening_key.empty()) {
        SIGILLO_CO_ASSIGN(sealed_opening_key,
                          seal_opening_key(fresh.text, evaluation.opening_key, request.credential));
    }
    const std::string_view click_text =
        situation.click != nullptr ? as_text(situation.click->expose()) : std::string_view();
    SIGILLO_CO_ASSIGN(const auto evidence,
                      make_evidence(evaluation.click ? click_text : std::string_view(), request.description,
                                    request.client_data, parts_.random));

    const std::vector<FactorId> shown = situation.factors();
    struct Decision {
        std::optional<Error> refusal;
        std::chrono::seconds lifetime{0};
    };
    auto decided = co_await parts_.ledger.commit(
        request.client.str(), [&](audit::Recorder& recorder) -> Result<Decision> {
            ReadTransaction& txn = recorder.transaction();
            const RecordCodec& codec = recorder.codec();
            std::optional<Error> refusal;

            // 4a. Client and credential as they are now.
            auto credential =
                load_standing(txn, codec, request.client, request.tenant, request.credential, clock_.now());
            Status standing;
            if (!credential)
                standing = std::unexpected(std::move(credential).error());
            else if ((*credential)->version != situation.credential->version &&
                     !same_terms((*credential)->value, situation.credential->value))
                standing = fail(Errc::kConflict,
                                "the credential was changed while it was being activated: try again");
            else if (reservation == nullptr && situation.policy.guessable())
                standing = lockout_.check(txn, codec, request.credential, (*credential)->value);
            if (!standing) {
                if (!is_refusal(standing.error().code)) return std::unexpected(std::move(standing).error());
                refusal = std::move(standing).error();
            }

            // 4b. Right factors are spent, even if others were wrong or the credential has been suspended
            // meanwhile.
            FactorSet satisfied;
            std::vector<std::string> used;
            std::vector<FactorId> right;
            for (std::size_t i = 0; i < situation.bound.size(); ++i) {
                const Situation::Bound& bound = situation.bound[i];
                const Evaluation::Outcome& outcome = evaluation.outcomes[i];
                if (!outcome.right) continue;
                SIGILLO_ASSIGN(const auto factor,
                               recorder.require(tables::kFactors, key_of(bound.id.str()), "factorID"));
                if (factor.version != bound.factor.version || factor.value.deleted()) continue;
                if (is_otp(bound.type)) {
                    const Bytes key = key_of(bound.id.str());
                    SIGILLO_ASSIGN(auto state, recorder.require(tables::kFactorStates, key, "factorID"));
                    const auto step = first_unspent(outcome.steps, state.value.last_step());
                    if (!step) continue;  // a replay
                    state.value.set_last_step(*step);
                    SIGILLO_TRY(recorder.save(tables::kFactorStates, key, state));
                }
                satisfied.insert(bound.type);
                right.push_back(bound.id);
                used.push_back(std::string(factor_word(bound.type)) + ":" + bound.id.str());
            }
            std::string click_problem = evaluation.click_problem;
            if (evaluation.click) {
                const Status once = spend_nonce(recorder, request.credential, *evaluation.click,
                                                config_.click, evaluation.now);
                if (once) {
                    satisfied.insert(FactorType::kClick);
                    used.emplace_back(factor_word(FactorType::kClick));
                } else if (once.error().code == Errc::kAlreadyExists) {
                    click_problem = "click evidence: its nonce was used before";
                } else {
                    return std::unexpected(once.error());
                }
            }

            // 4c. One answer. Which it is depends on what was shown, not on what was right: pin and totp
            // answer alike for a wrong PIN and for a wrong OTP. Click evidence is no secret, so its faults
            // are told.
            if (!refusal && !situation.policy.evaluate(satisfied)) {
                const bool only_otp =
                    std::ranges::all_of(situation.bound, [](const auto& b) { return is_otp(b.type); });
                if (!click_problem.empty())
                    refusal = Error{Errc::kAuthenticationFailed, click_problem, "click"};
                else if (only_otp)
                    refusal =
                        Error{Errc::kOtpInvalid, "the OTP is wrong, was used before, or is of another time"};
                else
                    refusal =
                        Error{Errc::kAuthenticationFailed, "the factors shown do not satisfy the policy"};
            }
            if (refusal) {
                if (reservation == nullptr) return std::unexpected(*std::move(refusal));  // nothing to keep
                auto event = recorder.event("activation.refused");
                event.set("credential", request.credential.str())
                    .set("client", request.client.str())
                    .set("reason", errc_name(refusal->code))
                    .set("failures", std::uint64_t{reservation->failures});
                SIGILLO_TRY(recorder.log(std::move(event)));
                return Decision{std::move(refusal), {}};
            }

            // 4d. Granted.
            if (reservation != nullptr)
                SIGILLO_TRY(lockout_.succeed(recorder, {request.credential, request.client, shown},
                                             *reservation, right));
            auto event = recorder.event("activation.granted");
            event.set("credential", request.credential.str())
                .set("signer", (*credential)->value.signer_id())
                .set("client", request.client.str())
                .set("tenant", request.tenant)
                .set_list("factors", used)
                .set("hash_type", hash_type_name(request.hash_type));
            if (evidence) event.set_base64("evidence_sha256", evidence->digest);
            SIGILLO_ASSIGN(const std::uint64_t index,
                           log_with_hashes(recorder, std::move(event), fresh.digest, request.hash_algorithm,
                                           request.hashes));
            if (evidence) SIGILLO_TRY(evidence_.keep(recorder, index, *evidence));
            SIGILLO_ASSIGN(
                const auto lifetime,
                parts_.sads.create(
                    recorder, fresh,
                    {request.client, request.credential, (*credential)->value.signer_id(), request.hash_type,
                     request.hash_algorithm, request.hashes, index, sealed_opening_key}));
            return Decision{std::nullopt, lifetime};
        });
    if (!decided) {
        if (reservation == nullptr)
            co_return refuse(request.credential, request.client, std::move(decided).error());
        co_return std::unexpected(std::move(decided).error());  // the failure stays counted
    }
    if (decided->refusal) {
        ++refused_;
        co_return std::unexpected(*std::move(decided->refusal));
    }
    ++granted_;
    co_return Authorization{fresh.text.clone(), decided->lifetime};
}

}  // namespace sigillo::activation
