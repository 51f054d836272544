#include "appliance/activation/lockout.h"

#include <algorithm>
#include <optional>
#include <set>

#include "appliance/activation/deadline.h"

namespace sigillo::activation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// CredentialState and FactorState count alike.
template <class State>
Status check_count(const State& state, const Clock& clock) {
    if (state.locked_by_count())
        return fail(Errc::kLocked, "locked after too many wrong factors until a security officer unlocks it");
    const milliseconds left = remaining(state.locked_until(), clock);
    if (left == milliseconds(0)) return {};
    return fail(Errc::kLocked, "locked after too many wrong factors, for another " +
                                   std::to_string(std::chrono::ceil<seconds>(left).count()) + " s");
}

// The first lock, doubled for each lock before this one.
seconds lock_time(const LockoutConfig& config, std::uint32_t locks_before) {
    seconds time = config.first_lock;
    for (std::uint32_t i = 0; i < locks_before && time < config.longest_lock; ++i) time *= 2;
    return std::min(time, config.longest_lock);
}

// One failure more; whether it locks.
template <class State>
bool count_failure(State& state, const LockoutConfig& config, const Clock& clock) {
    const std::uint32_t failures = state.failures() + 1;
    state.set_failures(failures);
    if (failures >= config.tries_until_officer) {
        state.set_locked_by_count(true);
        return true;
    }
    if (failures % config.tries != 0) return false;
    *state.mutable_locked_until() = deadline_after(clock, lock_time(config, failures / config.tries - 1));
    return true;
}

template <class State>
void clear_lock(State& state) {
    state.clear_locked_until();
    state.set_locked_by_count(false);
}

template <class State>
void start_anew(State& state) {
    state.set_failures(0);
    clear_lock(state);
}

// One failure less. An officer may have unlocked meanwhile: then there is nothing to take back.
template <class State>
void take_back(State& state, bool locked) {
    if (state.failures() > 0) state.set_failures(state.failures() - 1);
    if (locked) clear_lock(state);
}

// Without a row nothing was counted or accepted yet.
Record<record::FactorState> or_fresh(std::optional<Record<record::FactorState>> found) {
    if (found) return *std::move(found);
    Record<record::FactorState> fresh;
    fresh.value.set_last_step(-1);
    return fresh;
}

}  // namespace

// ---- AttemptGate
// ----------------------------------------------------------------------------------------------

AttemptGate::Pass& AttemptGate::Pass::operator=(Pass&& other) noexcept {
    if (this != &other) {
        if (gate_ != nullptr) gate_->leave(keys_);
        gate_ = std::exchange(other.gate_, nullptr);
        keys_ = std::move(other.keys_);
    }
    return *this;
}

AttemptGate::Pass::~Pass() {
    if (gate_ != nullptr) gate_->leave(keys_);
}

Result<AttemptGate::Pass> AttemptGate::enter(const CredentialId& credential,
                                             std::span<const FactorId> factors) {
    std::set<std::string> keys{credential.str()};
    for (const FactorId& factor : factors) keys.insert(factor.str());
    return enter(keys);
}

Result<AttemptGate::Pass> AttemptGate::enter(const FactorId& factor) {
    return enter(std::set<std::string>{factor.str()});
}

// One after the other in ascending order: nobody waits for one who waits for him.
Result<AttemptGate::Pass> AttemptGate::enter(const std::set<std::string>& keys) {
    const auto deadline = std::chrono::steady_clock::now() + wait_;

    Pass pass(this);  // goes after the lock, and gives back what it has got
    std::unique_lock lock(mutex_);
    for (const std::string& key : keys) {
        Slot& slot = slots_[key];  // stays where it is: std::map, and erased only when nobody is at it
        if (slot.busy) {
            if (slot.waiting >= waiting_)
                return fail(Errc::kUnavailable, "too many activations of one credential or factor at once");
            ++slot.waiting;
            const bool free = slot.freed.wait_until(lock, deadline, [&] { return !slot.busy; });
            --slot.waiting;
            if (!free)
                return fail(Errc::kUnavailable,
                            "another activation of the credential or of its factor takes too long");
        }
        slot.busy = true;
        pass.keys_.push_back(key);
    }
    return Result<Pass>(std::move(pass));
}

void AttemptGate::leave(const std::vector<std::string>& keys) {
    const std::lock_guard lock(mutex_);
    for (const std::string& key : keys) {
        const auto slot = slots_.find(key);
        slot->second.busy = false;
        if (slot->second.waiting == 0)
            slots_.erase(slot);
        else
            slot->second.freed.notify_one();
    }
}

// ---- Lockout
// --------------------------------------------------------------------------------------------------

Status Lockout::check(ReadTransaction& txn, const RecordCodec& codec, const CredentialId& credential,
                      const record::Credential& terms) const {
    SIGILLO_ASSIGN(const auto state, load(txn, codec, tables::kCredentialStates, key_of(credential.str())));
    if (state) SIGILLO_TRY(check_count(state->value, clock_));
    for (const auto& [word, factor] : terms.factors()) {
        SIGILLO_ASSIGN(const auto count, load(txn, codec, tables::kFactorStates, key_of(factor)));
        if (count) SIGILLO_TRY(check_count(count->value, clock_));
    }
    return {};
}

Result<bool> Lockout::is_locked(audit::Ledger& ledger, const CredentialId& credential,
                                const record::Credential& terms) const {
    const Status open = ledger.view(
        [&](ReadTransaction& txn) -> Status { return check(txn, ledger.codec(), credential, terms); });
    if (open) return false;
    if (open.error().code == Errc::kLocked) return true;
    return std::unexpected(open.error());
}

Result<Reservation> Lockout::reserve(audit::Recorder& recorder, const Attempt& attempt) const {
    const Bytes key = key_of(attempt.credential.str());
    SIGILLO_ASSIGN(const auto terms, recorder.require(tables::kCredentials, key, "credentialID"));
    SIGILLO_TRY(check(recorder.transaction(), recorder.codec(), attempt.credential, terms.value));

    Reservation reservation;
    SIGILLO_ASSIGN(reservation.budget_window_ms, take_budget(recorder, attempt.client));
    SIGILLO_ASSIGN(auto found, recorder.load(tables::kCredentialStates, key));
    auto state = std::move(found).value_or(Record<record::CredentialState>());
    reservation.locked = count_failure(state.value, config_, clock_);
    reservation.failures = state.value.failures();
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    for (const FactorId& factor : attempt.shown) SIGILLO_TRY(count_at_factor(recorder, factor, reservation));
    return reservation;
}

Result<std::uint32_t> Lockout::count_at_factor(audit::Recorder& recorder, const FactorId& factor,
                                               Reservation& reservation) const {
    const Bytes key = key_of(factor.str());
    SIGILLO_ASSIGN(auto stored, recorder.load(tables::kFactorStates, key));
    auto count = or_fresh(std::move(stored));
    reservation.factors.push_back({factor, count_failure(count.value, config_, clock_)});
    SIGILLO_TRY(recorder.save(tables::kFactorStates, key, count));
    return count.value.failures();
}

Result<std::int64_t> Lockout::take_budget(audit::Recorder& recorder, const ClientId& client) const {
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
    return budget.value.window_start_ms();
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

Status Lockout::succeed(audit::Recorder& recorder, const Attempt& attempt, const Reservation& reservation,
                        std::span<const FactorId> right) const {
    const Bytes key = key_of(attempt.credential.str());
    SIGILLO_ASSIGN(auto state, recorder.require(tables::kCredentialStates, key, "credentialID"));
    start_anew(state.value);
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    bool all_right = true;
    for (const Reservation::AtFactor& at : reservation.factors) {
        if (std::ranges::find(right, at.id) == right.end()) {
            all_right = false;
            continue;
        }
        const Bytes factor_key = key_of(at.id.str());
        SIGILLO_ASSIGN(auto count, recorder.require(tables::kFactorStates, factor_key, "factorID"));
        start_anew(count.value);
        SIGILLO_TRY(recorder.save(tables::kFactorStates, factor_key, count));
    }
    return all_right ? take_back_budget(recorder, attempt.client, reservation) : Status();
}

Status Lockout::release(audit::Recorder& recorder, const Attempt& attempt,
                        const Reservation& reservation) const {
    const Bytes key = key_of(attempt.credential.str());
    SIGILLO_ASSIGN(auto state, recorder.require(tables::kCredentialStates, key, "credentialID"));
    take_back(state.value, reservation.locked);
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    for (const Reservation::AtFactor& at : reservation.factors) {
        const Bytes factor_key = key_of(at.id.str());
        SIGILLO_ASSIGN(auto count, recorder.require(tables::kFactorStates, factor_key, "factorID"));
        take_back(count.value, at.locked);
        SIGILLO_TRY(recorder.save(tables::kFactorStates, factor_key, count));
    }
    return take_back_budget(recorder, attempt.client, reservation);
}

Result<Reservation> Lockout::reserve(audit::Recorder& recorder, const FactorAttempt& attempt) const {
    SIGILLO_ASSIGN(const auto count, recorder.load(tables::kFactorStates, key_of(attempt.factor.str())));
    if (count) SIGILLO_TRY(check_count(count->value, clock_));
    Reservation reservation;
    SIGILLO_ASSIGN(reservation.budget_window_ms, take_budget(recorder, attempt.client));
    SIGILLO_ASSIGN(reservation.failures, count_at_factor(recorder, attempt.factor, reservation));
    reservation.locked = reservation.factors.front().locked;
    return reservation;
}

Status Lockout::succeed(audit::Recorder& recorder, const FactorAttempt& attempt,
                        const Reservation& reservation) const {
    const Bytes key = key_of(attempt.factor.str());
    SIGILLO_ASSIGN(auto count, recorder.require(tables::kFactorStates, key, "factorID"));
    start_anew(count.value);
    SIGILLO_TRY(recorder.save(tables::kFactorStates, key, count));
    return take_back_budget(recorder, attempt.client, reservation);
}

Status Lockout::release(audit::Recorder& recorder, const FactorAttempt& attempt,
                        const Reservation& reservation) const {
    const Bytes key = key_of(attempt.factor.str());
    SIGILLO_ASSIGN(auto count, recorder.require(tables::kFactorStates, key, "factorID"));
    take_back(count.value, reservation.locked);
    SIGILLO_TRY(recorder.save(tables::kFactorStates, key, count));
    return take_back_budget(recorder, attempt.client, reservation);
}

Status Lockout::unlock(audit::Recorder& recorder, const CredentialId& credential, std::string_view officer,
                       std::string_view reason) const {
    const Bytes key = key_of(credential.str());
    SIGILLO_ASSIGN(const auto terms, recorder.require(tables::kCredentials, key, "credentialID"));
    SIGILLO_ASSIGN(auto found, recorder.load(tables::kCredentialStates, key));
    auto state = std::move(found).value_or(Record<record::CredentialState>());
    const std::uint32_t failures = state.value.failures();
    start_anew(state.value);
    SIGILLO_TRY(recorder.save(tables::kCredentialStates, key, state));
    std::set<std::string> cleared;
    for (const auto& [word, factor] : terms.value.factors()) {
        SIGILLO_ASSIGN(auto count, recorder.load(tables::kFactorStates, key_of(factor)));
        if (!count || (count->value.failures() == 0 && !count->value.locked_by_count())) continue;
        start_anew(count->value);
        SIGILLO_TRY(recorder.save(tables::kFactorStates, key_of(factor), *count));
        cleared.insert(factor);
    }
    auto event = recorder.event("credential.unlocked");
    event.set("credential", credential.str())
        .set("officer", officer)
        .set("reason", reason)
        .set("failures", failures);
    if (!cleared.empty()) event.set_list("factors", std::vector<std::string>(cleared.begin(), cleared.end()));
    SIGILLO_TRY(recorder.log(std::move(event)));
    return {};
}

Status Lockout::unlock(audit::Recorder& recorder, const FactorId& factor, std::string_view officer,
                       std::string_view reason) const {
    const Bytes key = key_of(factor.str());
    SIGILLO_TRY(recorder.require(tables::kFactors, key, "factorID"));
    SIGILLO_ASSIGN(auto stored, recorder.load(tables::kFactorStates, key));
    auto count = or_fresh(std::move(stored));
    auto event = recorder.event("factor.unlocked");
    event.set("factor", factor.str())
        .set("officer", officer)
        .set("reason", reason)
        .set("failures", count.value.failures());
    start_anew(count.value);
    SIGILLO_TRY(recorder.save(tables::kFactorStates, key, count));
    SIGILLO_TRY(recorder.log(std::move(event)));
    return {};
}

}  // namespace sigillo::activation
