#include "appliance/activation/lockout.h"

#include <algorithm>

#include "appliance/activation/deadline.h"

namespace sigillo::activation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::unexpected<Error> locked(const record::CredentialState& state, const Clock& clock) {
    if (state.locked_by_count())
        return fail(Errc::kLocked, "locked after too many wrong factors until a security officer unlocks it");
    const auto left = std::chrono::ceil<seconds>(remaining(state.locked_until(), clock));
    return fail(Errc::kLocked,
                "locked after too many wrong factors, for another " + std::to_string(left.count()) + " s");
}

// The first lock, doubled for each lock before this one.
seconds lock_time(const LockoutConfig& config, std::uint32_t locks_before) {
    seconds time = config.first_lock;
    for (std::uint32_t i = 0; i < locks_before && time < config.longest_lock; ++i) time *= 2;
    return std::min(time, config.longest_lock);
}

}  // namespace

// ---- AttemptGate
// ----------------------------------------------------------------------------------------------

AttemptGate::Pass& AttemptGate::Pass::operator=(Pass&& other) noexcept {
    if (this != &other) {
        if (gate_ != nullptr) gate_->leave(key_);
        gate_ = std::exchange(other.gate_, nullptr);
        key_ = std::move(other.key_);
    }
    return *this;
}

AttemptGate::Pass::~Pass() {
    if (gate_ != nullptr) gate_->leave(key_);
}

Result<AttemptGate::Pass> AttemptGate::enter(const CredentialId& credential) {
    std::unique_lock lock(mutex_);
    Slot& slot =
        slots_[credential.str()];  // stays where it is: std::map, and erased only when nobody is at it
    if (slot.busy) {
        if (slot.waiting >= waiting_)
            return fail(Errc::kUnavailable, "too many activations of one credential at once");
        ++slot.waiting;
        const bool free = slot.freed.wait_for(lock, wait_, [&] { return !slot.busy; });
        --slot.waiting;
        if (!free) return fail(Errc::kUnavailable, "another activation of the credential takes too long");
    }
    slot.busy = true;
    return Pass(this, credential.str());
}

void AttemptGate::leave(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto slot = slots_.find(key);
    slot->second.busy = false;
    if (slot->second.waiting == 0)
        slots_.erase(slot);
    else
        slot->second.freed.notify_one();
}

// ---- Lockout
// --------------------------------------------------------------------------------------------------

bool Lockout::is_locked(const record::CredentialState& state) const {
    return state.locked_by_count() || remaining(state.locked_until(), clock_) > milliseconds(0);
}

Status Lockout::check(ReadTransaction& txn, const RecordCodec& codec, const CredentialId& credential) const {
    SIGILLO_ASSIGN(const auto state, load(txn, codec, tables::kCredentialStates, key_of(credential.str())));
    if (state && is_locked(state->value)) return locked(state->value, clock_);
    return {};
}

Result<Reservation> Lockout::reserve(audit::Recorder& recorder, const CredentialId& credential,
                                     const ClientId& client) const {
    const Bytes key = key_of(credential.str());
    SIGILLO_ASSIGN(auto found, recorder.load(tables::kCredentialStates, key));
    auto state = std::move(found).value_or(Record<record::CredentialState>());
    if (is_locked(state.value)) return locked(state.value, clock_);

    Reservation reservation;
    const Bytes budget_key = key_of(client.str());
    SIGILLO_ASSIGN(auto budget_found, recorder.load(tables::kClientBudgets, budget_key));
    auto budget = std::move(budget_found).value_or(Record<record::ClientBudget>());
    const std::int64_t now_ms = unix_millis(clock_.now());
    const std::int64_t window_ms = milliseconds(config_.client_window).count();
    if (now_ms - budget.value.window_start_ms() >= window_ms) {
        budget.value.set_window_start_ms(now_ms);
        budget.value.set_failures(0);
    } else if (now_ms < budget.value.window_start_ms()) {
        budget.value.set_window_start_ms(now_ms);  // a clock set back gives no fresh budget
    }
    if (budget.value.failures() >= config_.client_failures)
        return fail(Errc::kLimitExceeded,
                    "the client has caused " + std::to_string(budget.value.failures()) +
                        " wrong factors within " + std::to_string(config_.client_window.count()) +
                        " s: it must wait",
                    "failures");
    budget.value.set_failures(budget.value.failures() + 1);
    SIGILLO_TRY(recorder.save(tables::kClientBudgets, budget_key, budget));
    reservation.budget_window_ms = budget.value.window_start_ms();

    const std::uint32_t failures = state.value.failures() + 1;
    state.value.set_failures(failures);
    if (failures >= config_.tries_until_officer) {
        state.value.set_locked_by_count(true);
        reservation.locked = true;
    } else if (failures % config_.tries == 0) {
        *state.value.mutable_locked_until() =
            deadline_after(clock_, lock_time(config_, failures / config_.tries - 1));
        reservation.locked = true;
    }
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    reservation.failures = failures;
    return reservation;
}

Status Lockout::take_back_budget(audit::Recorder& recorder, const ClientId& client,
                                 const Reservation& reservation) const {
    const Bytes key = key_of(client.str());
    SIGILLO_ASSIGN(auto budget, recorder.load(tables::kClientBudgets, key));
    if (!budget || budget->value.failures() == 0 ||
        budget->value.window_start_ms() != reservation.budget_window_ms)
        return {};
    budget->value.set_failures(budget->value.failures() - 1);
    return recorder.save(tables::kClientBudgets, key, *budget);
}

Status Lockout::succeed(audit::Recorder& recorder, const CredentialId& credential, const ClientId& client,
                        const Reservation& reservation) const {
    const Bytes key = key_of(credential.str());
    SIGILLO_ASSIGN(auto state, recorder.require(tables::kCredentialStates, key, "credentialID"));
    state.value.set_failures(0);
    state.value.clear_locked_until();
    state.value.set_locked_by_count(false);
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    return take_back_budget(recorder, client, reservation);
}

Status Lockout::release(audit::Recorder& recorder, const CredentialId& credential, const ClientId& client,
                        const Reservation& reservation) const {
    const Bytes key = key_of(credential.str());
    SIGILLO_ASSIGN(auto state, recorder.require(tables::kCredentialStates, key, "credentialID"));
    // An officer may have unlocked meanwhile: then there is nothing to take back.
    if (state.value.failures() > 0) state.value.set_failures(state.value.failures() - 1);
    if (reservation.locked) {
        state.value.clear_locked_until();
        state.value.set_locked_by_count(false);
    }
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    return take_back_budget(recorder, client, reservation);
}

Status Lockout::unlock(audit::Recorder& recorder, const CredentialId& credential, std::string_view officer,
                       std::string_view reason) const {
    const Bytes key = key_of(credential.str());
    SIGILLO_TRY(recorder.require(tables::kCredentials, key, "credentialID"));
    SIGILLO_ASSIGN(auto found, recorder.load(tables::kCredentialStates, key));
    auto state = std::move(found).value_or(Record<record::CredentialState>());
    const std::uint32_t failures = state.value.failures();
    state.value.set_failures(0);
    state.value.clear_locked_until();
    state.value.set_locked_by_count(false);
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    auto event = recorder.event("credential.unlocked");
    event.set("credential", credential.str())
        .set("officer", officer)
        .set("reason", reason)
        .set("failures", failures);
    SIGILLO_TRY(recorder.log(std::move(event)));
    return {};
}

}  // namespace sigillo::activation
