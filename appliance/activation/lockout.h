// Counting wrong factors.
//
// A failure is counted, durably, before anything is verified, and taken back when the factors were right:
// neither a crash nor a hundred connections at once buy a guess more than the configured number. Three
// counts: one for each credential and one for each factor, which lock, and one for each client, so that one
// client cannot lock a whole bank's signers. A factor's count is shared by all credentials that bind it: a
// PIN cannot be guessed on credentials made for the purpose. A credential is locked when its own count is, or
// that of a factor that it binds.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "appliance/audit/recorder.h"
#include "appliance/base/ids.h"

namespace sigillo::activation {

struct LockoutConfig {
    std::uint32_t tries = 5;              // wrong tries until a lock: typing errors of people stay below
    std::chrono::seconds first_lock{60};  // doubles with each further `tries` wrong ones
    std::chrono::seconds longest_lock{86'400};
    std::uint32_t tries_until_officer = 50;  // then only an officer unlocks: 50 of 10^6 guesses
    std::uint32_t client_failures =
        100;  // wrong tries that one client may cause in a window, all credentials
    std::chrono::seconds client_window{3'600};
    // Attempts that may wait for another on the same credential or factor, each on a thread of its own: more
    // than a signer's devices ever send at once, a third of the workers at most.
    std::size_t waiting = 32;
    // How long they do; then kUnavailable. A hundred times a verification, and below the clients' patience.
    std::chrono::milliseconds wait{5'000};
};

// One attempt at a time on a credential and on a factor, so that twenty right PINs at once are twenty grants
// and not a lock.
// The counts in the store are exact without it (a reservation locks at once); this makes them fair. One
// process owns the store, so it may stand in memory. Thread-safe.
class AttemptGate {
 public:
    class Pass {
     public:
        Pass() = default;
        Pass(Pass&& other) noexcept
            : gate_(std::exchange(other.gate_, nullptr)), keys_(std::move(other.keys_)) {}
        Pass& operator=(Pass&& other) noexcept;
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;
        ~Pass();

     private:
        friend class AttemptGate;
        explicit Pass(AttemptGate* gate) : gate_(gate) {}
        AttemptGate* gate_ = nullptr;
        std::vector<std::string> keys_;  // that it holds
    };

    AttemptGate(std::size_t waiting, std::chrono::milliseconds wait) : waiting_(waiting), wait_(wait) {}
    // kUnavailable when too many wait, or for too long. The gate outlives the pass.
    Result<Pass> enter(const CredentialId& credential, std::span<const FactorId> factors = {});
    Result<Pass> enter(const FactorId& factor);

 private:
    Result<Pass> enter(const std::set<std::string>& keys);
    struct Slot {
        bool busy = false;
        std::size_t waiting = 0;
        std::condition_variable freed;
    };
    void leave(const std::vector<std::string>& keys);

    const std::size_t waiting_;
    const std::chrono::milliseconds wait_;
    std::mutex mutex_;
    std::map<std::string, Slot>
        slots_;  // guarded by mutex_; only credentials and factors that somebody is at
};

// A failure counted in advance.
struct Reservation {
    std::uint32_t failures = 0;  // of the credential, this one included
    bool locked = false;         // this one locked it
    struct AtFactor {
        FactorId id;
        bool locked = false;  // this one locked it
    };
    std::vector<AtFactor> factors;      // where it is counted as well
    std::int64_t budget_window_ms = 0;  // of the client, that this one counts in
};

// Functions inside the caller's transaction; those that change a credential's or a factor's state leave it to
// be logged by the caller's next Recorder::log(). Thread-safe: the state is in the store.
class Lockout {
 public:
    Lockout(LockoutConfig config, const Clock& clock) : config_(config), clock_(clock) {}

    // Who tries what.
    struct Attempt {
        const CredentialId& credential;
        const ClientId& client;
        std::span<const FactorId> shown;  // bound factors that could be guessed, each once
    };
    // Counts a failure. kLocked: the credential or a factor that it binds is (the detail says until when, or
    // that an officer must unlock it). kLimitExceeded, field "failures": the client has used up its budget.
    // kNotFound, field "credentialID".
    Result<Reservation> reserve(audit::Recorder& recorder, const Attempt& attempt) const;
    // The policy is satisfied, by the `right` ones of the factors that were shown: their counts and the
    // credential's start anew. One that was shown and is not right stays counted, and then the client's count
    // stands too: or `pin or totp` would let PINs be guessed beside a right TOTP.
    Status succeed(audit::Recorder& recorder, const Attempt& attempt, const Reservation& reservation,
                   std::span<const FactorId> right) const;
    // Nothing was verified after all (HSM away): as if never reserved.
    Status release(audit::Recorder& recorder, const Attempt& attempt, const Reservation& reservation) const;
    // The same for a factor by itself, as when its PIN is changed: its count is the one that all credentials
    // which bind it share, so nothing can be guessed here that could not be guessed by activating.
    // Reservation::failures is the factor's count.
    struct FactorAttempt {
        const FactorId& factor;
        const ClientId& client;
    };
    Result<Reservation> reserve(audit::Recorder& recorder, const FactorAttempt& attempt) const;
    Status succeed(audit::Recorder& recorder, const FactorAttempt& attempt,
                   const Reservation& reservation) const;
    Status release(audit::Recorder& recorder, const FactorAttempt& attempt,
                   const Reservation& reservation) const;
    // An officer's order: the counts of the credential and of the factors that it binds start anew. Logs
    // "credential.unlocked" with the officer's name and reason. kNotFound, field "credentialID".
    Status unlock(audit::Recorder& recorder, const CredentialId& credential, std::string_view officer,
                  std::string_view reason) const;
    // The count of one factor alone, which may be bound to no credential yet. Logs "factor.unlocked" with the
    // officer's name and reason. kNotFound, field "factorID".
    Status unlock(audit::Recorder& recorder, const FactorId& factor, std::string_view officer,
                  std::string_view reason) const;

    // Without counting: kLocked, or nothing to say. `terms`: the credential's record.
    Status check(ReadTransaction& txn, const RecordCodec& codec, const CredentialId& credential,
                 const record::Credential& terms) const;
    // The same as a question, in a snapshot of its own.
    Result<bool> is_locked(audit::Ledger& ledger, const CredentialId& credential,
                           const record::Credential& terms) const;

 private:
    // The window that the client's failure counts in.
    Result<std::int64_t> take_budget(audit::Recorder& recorder, const ClientId& client) const;
    Status take_back_budget(audit::Recorder& recorder, const ClientId& client,
                            const Reservation& reservation) const;
    // One failure more; returns the factor's count.
    Result<std::uint32_t> count_at_factor(audit::Recorder& recorder, const FactorId& factor,
                                          Reservation& reservation) const;

    const LockoutConfig config_;
    const Clock& clock_;
};

}  // namespace sigillo::activation
