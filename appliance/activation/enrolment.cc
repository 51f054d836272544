#include "appliance/activation/enrolment.h"

#include <utility>

namespace sigillo::activation {
namespace {

Status check_signer(ReadTransaction& txn, const RecordCodec& codec, const std::string& tenant,
                    const SignerId& signer) {
    SIGILLO_ASSIGN(const auto found, require(txn, codec, tables::kSigners, key_of(signer.str()), "signerID"));
    if (found.value.tenant() != tenant) return fail(Errc::kNotFound, "signers: another tenant's", "signerID");
    return {};
}

Result<std::vector<FactorId>> factors_of(ReadTransaction& txn, const SignerId& signer) {
    std::vector<FactorId> ids;
    const Bytes prefix = key_of(signer.str());
    SIGILLO_TRY(
        txn.scan(tables::kFactorsBySigner.space, prefix, prefix, [&](ByteView key, ByteView) -> Result<bool> {
            SIGILLO_ASSIGN(FactorId id, FactorId::parse(as_text(key.subspan(prefix.size()))));
            ids.push_back(std::move(id));
            return true;
        }));
    return ids;
}

audit::Event factor_event(audit::Recorder& recorder, std::string_view type, const FactorId& id,
                          const record::Factor& factor, const ClientId& client) {
    auto event = recorder.event(type);
    event.set("factor", id.str())
        .set("factor_type", factor.type())
        .set("signer", factor.signer_id())
        .set("tenant", factor.tenant())
        .set("client", client.str());
    return event;
}

}  // namespace

Enrolment::Enrolment(EnrolmentConfig config, audit::Ledger& ledger, KeyStore& keys, Pins& pins,
                     Random& random)
    : config_(std::move(config)), ledger_(ledger), keys_(keys), pins_(pins), random_(random) {}

Result<Enrolment::Prepared> Enrolment::prepare(const EnrolRequest& request) {
    SIGILLO_ASSIGN(const FactorType type, factor_from_word(request.type, "type"));
    if (type == FactorType::kClick)
        return fail(Errc::kInvalidArgument,
                    "click needs no enrolment: its evidence comes with each authorisation", "type");
    if (type == FactorType::kPin && request.pin.empty())
        return fail(Errc::kMissingArgument, "a factor of type pin needs the pin", "pin");
    if (type != FactorType::kPin && !request.pin.empty())
        return fail(Errc::kInvalidArgument, "a pin belongs to factors of type pin only", "pin");
    // Before the HSM and Argon2 work for somebody else's signer; checked again when it is stored.
    SIGILLO_TRY(ledger_.view([&](ReadTransaction& txn) {
        return check_signer(txn, ledger_.codec(), request.tenant, request.signer);
    }));

    Prepared prepared;
    const FactorId id = FactorId::generate(random_);
    record::Factor& factor = prepared.factor;
    factor.set_tenant(request.tenant);
    factor.set_signer_id(request.signer.str());
    factor.set_type(std::string(factor_word(type)));
    const WallTime now = ledger_.clock().now();
    factor.set_created_ms(unix_millis(now));
    if (type == FactorType::kPin) {
        SIGILLO_ASSIGN(*factor.mutable_pin(), pins_.enrol(id, request.pin));
    } else {
        SIGILLO_ASSIGN(NewOtp made, new_otp(type, config_.otp, id, request.signer, keys_, random_));
        *factor.mutable_otp() = std::move(made.record);
        prepared.answer.otpauth = std::move(made.otpauth);
    }
    prepared.answer.info = {id, factor.type(), now};
    prepared.client = request.client;
    return prepared;
}

Status Enrolment::store(audit::Recorder& recorder, const Prepared& prepared) {
    const record::Factor& factor = prepared.factor;
    SIGILLO_ASSIGN(const SignerId signer, SignerId::parse(factor.signer_id()));
    SIGILLO_TRY(check_signer(recorder.transaction(), recorder.codec(), factor.tenant(), signer));
    SIGILLO_ASSIGN(const auto present, factors_of(recorder.transaction(), signer));
    if (present.size() >= config_.factors_per_signer)
        return fail(Errc::kLimitExceeded,
                    "a signer has at most " + std::to_string(config_.factors_per_signer) +
                        " factors: delete unused ones",
                    "factors");
    const FactorId& id = prepared.answer.info.id;
    SIGILLO_TRY(recorder.create(tables::kFactors, key_of(id.str()), factor));
    SIGILLO_TRY(recorder.create(tables::kFactorsBySigner, key_of(signer.str(), id.str()), record::Empty()));
    if (factor.has_otp()) {
        record::FactorState state;
        state.set_last_step(-1);
        SIGILLO_TRY(recorder.create(tables::kFactorStates, key_of(id.str()), state));
    }
    SIGILLO_TRY(recorder.log(factor_event(recorder, "factor.enrolled", id, factor, prepared.client)));
    return {};
}

Result<EnrolledFactor> Enrolment::enrol(const EnrolRequest& request, const InTransaction& in_transaction) {
    SIGILLO_ASSIGN(Prepared prepared, prepare(request));
    SIGILLO_TRY(ledger_.update([&](audit::Recorder& recorder) -> Status {
        SIGILLO_TRY(store(recorder, prepared));
        if (in_transaction) SIGILLO_TRY(in_transaction(recorder, prepared.answer));
        return {};
    }));
    return std::move(prepared.answer);
}

Result<std::vector<FactorInfo>> Enrolment::list(const std::string& tenant, const SignerId& signer) {
    return ledger_.view([&](ReadTransaction& txn) -> Result<std::vector<FactorInfo>> {
        SIGILLO_TRY(check_signer(txn, ledger_.codec(), tenant, signer));
        SIGILLO_ASSIGN(const auto ids, factors_of(txn, signer));
        std::vector<FactorInfo> factors;
        for (const FactorId& id : ids) {
            SIGILLO_ASSIGN(const auto factor,
                           require(txn, ledger_.codec(), tables::kFactors, key_of(id.str()), "factorID"));
            factors.push_back({id, factor.value.type(), from_unix_millis(factor.value.created_ms())});
        }
        return factors;
    });
}

Status Enrolment::remove(audit::Recorder& recorder, const ClientId& client, const std::string& tenant,
                         const SignerId& signer, const FactorId& id) {
    SIGILLO_TRY(check_signer(recorder.transaction(), recorder.codec(), tenant, signer));
    const Bytes key = key_of(id.str());
    SIGILLO_ASSIGN(auto factor, recorder.require(tables::kFactors, key, "factorID"));
    if (factor.value.signer_id() != signer.str() || factor.value.deleted())
        return fail(Errc::kNotFound, "factors: not (or no longer) this signer's", "factorID");
    // The record stays, so that an old copy of it in the store is noticed; what it protected goes.
    factor.value.set_deleted(true);
    if (factor.value.has_otp()) factor.value.mutable_otp()->clear_sealed_seed();
    if (factor.value.has_pin()) factor.value.mutable_pin()->clear_encrypted_private_key();
    SIGILLO_TRY(recorder.save(tables::kFactors, key, factor));
    SIGILLO_TRY(recorder.erase(tables::kFactorsBySigner, key_of(signer.str(), id.str())));
    SIGILLO_TRY(recorder.log(factor_event(recorder, "factor.deleted", id, factor.value, client)));
    return {};
}

Status Enrolment::remove(const ClientId& client, const std::string& tenant, const SignerId& signer,
                         const FactorId& factor) {
    return ledger_.update([&](audit::Recorder& recorder) -> Status {
        return remove(recorder, client, tenant, signer, factor);
    });
}

}  // namespace sigillo::activation
