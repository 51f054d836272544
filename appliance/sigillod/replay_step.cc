// The other half of log_replay.h: one step of a newer log, done again.
#include <optional>

#include "appliance/base/digest.h"
#include "appliance/issuance/authority.h"
#include "appliance/issuance/credentials.h"
#include "appliance/sigillod/log_replay.h"

namespace sigillo {
namespace {

using Kind = ReplayStep::Kind;

// The record, if it is there and whole.
template <class Message>
Result<std::optional<Record<Message>>> whole(audit::Recorder& recorder, Table<Message> table, ByteView key) {
    auto found = recorder.load(table, key);
    if (!found && found.error().code == Errc::kCorrupt) return std::optional<Record<Message>>();
    return found;
}

// Puts the certificate on the list, with the date that the newer log has (RFC 5280 §5.3.2).
Status revoke(audit::Recorder& recorder, const ReplayStep& step, const record::Credential& credential,
              RevocationReason reason) {
    const ByteView serial = as_bytes(credential.certificate_serial());
    SIGILLO_ASSIGN(const CredentialId id, CredentialId::parse(step.id));
    SIGILLO_ASSIGN(const auto before, whole(recorder, tables::kRevocations, serial));
    SIGILLO_TRY(issuance::Authority::revoke(recorder, serial, reason, id, credential.not_after_ms()));
    if ((before && !before->value.lifted()) || step.time_ms == 0) return {};
    SIGILLO_ASSIGN(auto revocation, recorder.require(tables::kRevocations, serial, "serial"));
    revocation.value.set_time_ms(step.time_ms);
    return recorder.save(tables::kRevocations, serial, revocation);
}

Status lift_hold(audit::Recorder& recorder, const record::Credential& credential) {
    const ByteView serial = as_bytes(credential.certificate_serial());
    SIGILLO_ASSIGN(const auto held, whole(recorder, tables::kRevocations, serial));
    if (!held || held->value.lifted()) return {};
    return issuance::Authority::lift_hold(recorder, serial);
}

Status change_certificate(audit::Recorder& recorder, const ReplayStep& step,
                          const record::Credential& credential, record::CredentialStatus wanted) {
    if (credential.certificate_source() != "embedded") return {};
    if (wanted == record::STATUS_ACTIVE) return lift_hold(recorder, credential);
    if (wanted == record::STATUS_SUSPENDED)
        return revoke(recorder, step, credential, RevocationReason::kCertificateHold);
    const auto named = revocation_reason_from_name(step.reason);
    return revoke(
        recorder, step, credential,
        named && *named != RevocationReason::kCertificateHold ? *named : RevocationReason::kUnspecified);
}

Result<std::string> replay_status(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id);
    SIGILLO_ASSIGN(auto found, whole(recorder, tables::kCredentials, key));
    if (!found) return std::string();
    record::Credential& credential = found->value;
    const auto wanted = step.text == "active"      ? record::STATUS_ACTIVE
                        : step.text == "suspended" ? record::STATUS_SUSPENDED
                        : step.text == "revoked"   ? record::STATUS_REVOKED
                                                   : record::STATUS_UNSPECIFIED;
    const auto now = credential.status();
    const bool held = step.flag && wanted == record::STATUS_SUSPENDED;
    if (wanted == record::STATUS_UNSPECIFIED || now == record::STATUS_REVOKED ||
        now == record::STATUS_DELETED ||
        (now == record::STATUS_PENDING && wanted != record::STATUS_REVOKED) ||
        (now == wanted && credential.held_by_officer() == held))
        return std::string();
    SIGILLO_TRY(change_certificate(recorder, step, credential, wanted));
    credential.set_held_by_officer(held);
    credential.set_status(wanted);
    credential.set_status_reason(step.reason);
    credential.set_status_changed_ms(step.time_ms);
    SIGILLO_TRY(recorder.save(tables::kCredentials, key, *found));
    return "credential " + step.id + " " + step.text;
}

Result<std::string> replay_deletion(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id);
    SIGILLO_ASSIGN(auto found, whole(recorder, tables::kCredentials, key));
    if (!found || found->value.status() == record::STATUS_DELETED) return std::string();
    record::Credential& credential = found->value;
    if (credential.certificate_source() == "embedded" && credential.status() != record::STATUS_REVOKED)
        SIGILLO_TRY(revoke(recorder, step, credential, RevocationReason::kCessationOfOperation));
    credential.set_status(record::STATUS_DELETED);
    credential.set_status_changed_ms(step.time_ms);
    credential.clear_wrapped_key();
    SIGILLO_TRY(recorder.save(tables::kCredentials, key, *found));
    SIGILLO_TRY(recorder.erase(tables::kCredentialsBySigner, key_of(credential.signer_id(), step.id)));
    SIGILLO_TRY(recorder.erase(tables::kCredentialsByTenant, tenant_key(credential.tenant(), step.id)));
    return "credential " + step.id + " deleted";
}

// The certificate itself is not in the log. Until it is imported again the old one must not be signed with.
Result<std::string> replay_certificate(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id);
    SIGILLO_ASSIGN(auto found, whole(recorder, tables::kCredentials, key));
    if (!found || found->value.status() != record::STATUS_ACTIVE) return std::string();
    found->value.set_status(record::STATUS_SUSPENDED);
    found->value.set_held_by_officer(true);
    found->value.set_status_reason(
        "its certificate was replaced after the backup: import it again, then resume");
    found->value.set_status_changed_ms(unix_millis(recorder.clock().now()));
    SIGILLO_TRY(recorder.save(tables::kCredentials, key, *found));
    return "credential " + step.id + " suspended: certificate replaced";
}

Result<std::string> replay_qscd(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id);
    SIGILLO_ASSIGN(auto found, whole(recorder, tables::kCredentials, key));
    if (!found || found->value.qscd() == step.flag) return std::string();
    found->value.set_qscd(step.flag);
    SIGILLO_TRY(recorder.save(tables::kCredentials, key, *found));
    return "credential " + step.id + (step.flag ? " qscd" : " not qscd");
}

Result<std::string> replay_factor(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id);
    SIGILLO_ASSIGN(auto found, whole(recorder, tables::kFactors, key));
    if (!found || found->value.deleted()) return std::string();
    record::Factor& factor = found->value;
    factor.set_deleted(true);
    if (factor.has_otp()) factor.mutable_otp()->clear_sealed_seed();
    if (factor.has_pin()) factor.mutable_pin()->clear_encrypted_private_key();
    SIGILLO_TRY(recorder.save(tables::kFactors, key, *found));
    SIGILLO_TRY(recorder.erase(tables::kFactorsBySigner, key_of(factor.signer_id(), step.id)));
    return "factor " + step.id + " deleted";
}

// The new PIN is not in the log, and the old one may have been changed because somebody else knew it. So it
// serves nobody until an officer has asked.
Result<std::string> replay_pin_change(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id);
    SIGILLO_ASSIGN(const auto factor, whole(recorder, tables::kFactors, key));
    if (!factor || factor->value.deleted()) return std::string();
    SIGILLO_ASSIGN(auto found, whole(recorder, tables::kFactorStates, key));
    auto state = std::move(found).value_or(Record<record::FactorState>());
    if (state.value.locked_by_count()) return std::string();
    if (state.version == 0) state.value.set_last_step(-1);
    state.value.set_locked_by_count(true);
    SIGILLO_TRY(recorder.save(tables::kFactorStates, key, state));
    return "factor " + step.id + " locked: its PIN was changed after the backup";
}

Result<std::string> replay_client(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id);
    SIGILLO_ASSIGN(auto found, whole(recorder, tables::kClients, key));
    if (!found || found->value.removed()) return std::string();
    found->value.set_removed(true);
    SIGILLO_TRY(recorder.save(tables::kClients, key, *found));
    SIGILLO_TRY(recorder.erase(tables::kClientsBySpki, as_bytes(found->value.spki_sha256())));
    return "client " + step.id + " removed";
}

// RFC 5280 §5.2.3: numbers of lists only grow.
Result<std::string> replay_unit_revocation(audit::Recorder& recorder, const ReplayStep& step) {
    const auto reason = revocation_reason_from_name(step.text).value_or(RevocationReason::kUnspecified);
    SIGILLO_ASSIGN(const Bytes serial, issuance::serial_bytes(step.id));
    SIGILLO_ASSIGN(const bool added, issuance::Authority::revoke_unit(
                                         recorder, serial, reason, {step.unit, step.time_ms, step.until_ms}));
    return added ? "certificate of unit " + step.unit + " revoked" : std::string();
}

Result<std::string> replay_crl_number(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of("ca");
    SIGILLO_ASSIGN(auto found, whole(recorder, tables::kAuthority, key));
    if (!found || found->value.crl_number() >= step.number) return std::string();
    found->value.set_crl_number(step.number);
    SIGILLO_TRY(recorder.save(tables::kAuthority, key, *found));
    return "crl number " + std::to_string(step.number);
}

// A call that was in flight when the store was copied, and has its Outcome in the newer log. Its signatures
// are gone: a retry has to authorise again.
Result<std::string> replay_outcome(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id, step.epoch, step.number);
    SIGILLO_ASSIGN(const auto open, whole(recorder, tables::kOpenIntents, key));
    if (!open) return std::string();
    const auto state = step.text == "signed"   ? record::CALL_SIGNED
                       : step.text == "failed" ? record::CALL_FAILED
                                               : record::CALL_UNKNOWN;
    SIGILLO_TRY(recorder.erase(tables::kOpenIntents, key));
    const Bytes call_key = concat(as_bytes(open->value.sad_digest()), as_bytes(open->value.request_digest()));
    SIGILLO_ASSIGN(auto call, whole(recorder, tables::kCalls, call_key));
    if (call) {
        call->value.set_state(state == record::CALL_FAILED ? record::CALL_FAILED : record::CALL_UNKNOWN);
        call->value.set_outcome_index(step.index);
        constexpr std::chrono::hours kRetryWindow{24};
        const WallTime expires = recorder.clock().now() + kRetryWindow;
        call->value.set_expires_ms(unix_millis(expires));
        SIGILLO_TRY(recorder.save(tables::kCalls, call_key, *call));
        SIGILLO_TRY(recorder.expire_at(expires, tables::kCalls, call_key));
    }
    record::Use use = open->value.use();
    use.set_outcome(state);
    use.set_outcome_index(step.index);
    for (const Bytes& digest : step.signatures) use.add_signature_digests(digest.data(), digest.size());
    SIGILLO_TRY(recorder.create(tables::kUses, key, use));
    SIGILLO_TRY(recorder.expire_at(from_unix_millis(open->value.use_expires_ms()), tables::kUses, key));
    return "use " + std::to_string(step.number) + " of credential " + step.id + " " + step.text;
}

// A use of a key that the backup has. Its signatures are gone, and its SAD: there is nothing to retry.
Result<std::string> replay_use(audit::Recorder& recorder, const ReplayStep& step,
                               std::chrono::days uses_retention) {
    const Bytes key = key_of(step.id, step.epoch, step.number);
    SIGILLO_ASSIGN(const auto credential, whole(recorder, tables::kCredentials, key_of(step.id)));
    SIGILLO_ASSIGN(const auto listed, recorder.transaction().get(tables::kUses.space, key));
    if (!credential || listed) return std::string();
    record::Use use;
    use.set_time_ms(step.time_ms);
    for (const auto algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        if (hash_oid(algorithm) == step.hash_oid)
            use.set_hash_algorithm(static_cast<std::uint32_t>(algorithm));
    if (use.hash_algorithm() == 0) return std::string();  // of a later version
    for (const Bytes& hash : step.hashes) use.add_hashes(hash.data(), hash.size());
    use.set_outcome(step.text == "signed"   ? record::CALL_SIGNED
                    : step.text == "failed" ? record::CALL_FAILED
                                            : record::CALL_UNKNOWN);
    use.set_outcome_index(step.index);
    for (const Bytes& digest : step.signatures) use.add_signature_digests(digest.data(), digest.size());
    SIGILLO_TRY(recorder.create(tables::kUses, key, use));
    SIGILLO_TRY(recorder.expire_at(from_unix_millis(step.time_ms) + uses_retention, tables::kUses, key));
    return "use " + std::to_string(step.number) + " of credential " + step.id + " listed";
}

// The running number goes on where the newer log left it, so that two uses never have the same one.
Result<std::string> replay_sequence(audit::Recorder& recorder, const ReplayStep& step) {
    const Bytes key = key_of(step.id);
    SIGILLO_ASSIGN(auto state, whole(recorder, tables::kCredentialStates, key));
    if (!state || state->value.seq() >= step.number) return std::string();
    state->value.set_seq(step.number);
    state->value.set_last_index(step.index);
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, *state));
    return "credential " + step.id + " seq " + std::to_string(step.number);
}

}  // namespace

Result<std::string> replay_step(audit::Recorder& recorder, const ReplayStep& step,
                                std::chrono::days uses_retention) {
    if (step.kind != Kind::kCrlNumber && step.id.empty()) return std::string();
    switch (step.kind) {
        case Kind::kStatus:
            return replay_status(recorder, step);
        case Kind::kDeleted:
            return replay_deletion(recorder, step);
        case Kind::kCertificate:
            return replay_certificate(recorder, step);
        case Kind::kQscd:
            return replay_qscd(recorder, step);
        case Kind::kFactorDeleted:
            return replay_factor(recorder, step);
        case Kind::kPinChanged:
            return replay_pin_change(recorder, step);
        case Kind::kClientRemoved:
            return replay_client(recorder, step);
        case Kind::kUnitRevoked:
            return replay_unit_revocation(recorder, step);
        case Kind::kCrlNumber:
            return replay_crl_number(recorder, step);
        case Kind::kOutcome:
            return replay_outcome(recorder, step);
        case Kind::kUse:
            return replay_use(recorder, step, uses_retention);
        case Kind::kSequence:
            return replay_sequence(recorder, step);
    }
    return fail(Errc::kInternal, "an unknown step of a newer log");
}

}  // namespace sigillo
