// Activator::change_pin(): the old PIN is a guess like any other, so it is counted before it is tried.
#include "appliance/activation/activator.h"
#include "appliance/activation/standing.h"

namespace sigillo::activation {
namespace {

// The factor as it is in `txn`, if this client may change it.
Result<Record<record::Factor>> own_pin(ReadTransaction& txn, const RecordCodec& codec,
                                       const ChangePinRequest& request) {
    SIGILLO_ASSIGN(const auto client, load(txn, codec, tables::kClients, key_of(request.client.str())));
    if (!client) return fail(Errc::kForbidden, "no such client");
    SIGILLO_TRY(check_client(client->value, request.tenant));
    SIGILLO_ASSIGN(auto factor,
                   require(txn, codec, tables::kFactors, key_of(request.factor.str()), "factorID"));
    if (factor.value.tenant() != request.tenant || factor.value.signer_id() != request.signer.str() ||
        factor.value.deleted())
        return fail(Errc::kNotFound, "factors: not (or no longer) this signer's", "factorID");
    if (!factor.value.has_pin()) return fail(Errc::kConflict, "the factor is no PIN", "factorID");
    return factor;
}

audit::Event factor_event(audit::Recorder& recorder, std::string_view type, const ChangePinRequest& request) {
    auto event = recorder.event(type);
    event.set("factor", request.factor.str())
        .set("factor_type", "pin")
        .set("signer", request.signer.str())
        .set("tenant", request.tenant)
        .set("client", request.client.str());
    return event;
}

Status log_refusal(audit::Recorder& recorder, const ChangePinRequest& request, Errc reason,
                   std::uint32_t failures) {
    auto event = factor_event(recorder, "factor.refused", request);
    event.set("reason", errc_name(reason)).set("failures", std::uint64_t{failures});
    SIGILLO_TRY(recorder.log(std::move(event)));
    return {};
}

}  // namespace

Status Activator::change_pin(const ChangePinRequest& request, const ChangePinHooks& hooks) {
    if (auto fits = parts_.pins.acceptable(request.new_pin); !fits)
        return fail(fits.error().code, fits.error().detail, "new");
    if (equal(request.old_pin.expose(), request.new_pin.expose()))
        return fail(Errc::kInvalidArgument, "the new PIN is the old one", "new");
    SIGILLO_TRY(parts_.clock_check());
    const auto pass = gate_.enter(request.factor);
    if (!pass) return std::unexpected(pass.error());
    if (hooks.before) SIGILLO_TRY(hooks.before());

    // Durable on return, as in reserve(): a crash leaves a counted failure, never an uncounted guess.
    const Lockout::FactorAttempt attempt{request.factor, request.client};
    Record<record::Factor> factor;
    Reservation reservation;
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_ASSIGN(factor, own_pin(recorder.transaction(), recorder.codec(), request));
        SIGILLO_ASSIGN(reservation, lockout_.reserve(recorder, attempt));
        auto event = factor_event(recorder, "factor.attempt", request);
        event.set("failures", std::uint64_t{reservation.failures});
        if (reservation.locked) event.set_flag("locks", true);
        SIGILLO_TRY(recorder.log(std::move(event)));
        return {};
    }));

    auto changed = parts_.pins.change(request.factor, factor.value.pin(), request.old_pin, request.new_pin);
    Status outcome;
    SIGILLO_TRY(parts_.ledger.update([&](audit::Recorder& recorder) -> Status {
        outcome = changed ? Status() : std::unexpected(changed.error());
        if (!outcome && outcome.error().code == Errc::kAuthenticationFailed)
            return log_refusal(recorder, request, outcome.error().code, reservation.failures);
        if (outcome) {
            auto present = own_pin(recorder.transaction(), recorder.codec(), request);
            if (present && present->version == factor.version) {
                *present->value.mutable_pin() = *changed;
                SIGILLO_TRY(recorder.save(tables::kFactors, key_of(request.factor.str()), *present));
                SIGILLO_TRY(lockout_.succeed(recorder, attempt, reservation));
                SIGILLO_TRY(recorder.log(factor_event(recorder, "factor.pin_changed", request)));
                return hooks.inside ? hooks.inside(recorder) : Status();
            }
            outcome = present
                          ? fail(Errc::kConflict, "the factor was changed meanwhile: try again", "factorID")
                          : std::unexpected(std::move(present).error());
        }
        // The appliance's trouble, or the factor is gone: the try is given back.
        SIGILLO_TRY(lockout_.release(recorder, attempt, reservation));
        return log_refusal(recorder, request, outcome.error().code, reservation.failures - 1);
    }));
    return outcome;
}

}  // namespace sigillo::activation
