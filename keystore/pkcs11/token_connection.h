// The living connection to one token: one login on an anchor session, a bounded pool of sessions beside it,
// and getting both back when the token comes and goes.
//
// The anchor owns every session object that is kept (PKCS#11 v2.40 §2.4: a session's objects die with it), so
// a pool session can be thrown away after an error without costing anybody a key. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/logger.h"
#include "appliance/base/secret.h"
#include "keystore/key_store.h"
#include "keystore/pkcs11/outcome.h"
#include "keystore/pkcs11/pkcs11_key_store.h"
#include "keystore/pkcs11/token.h"
#include "keystore/pkcs11/turnstile.h"

namespace sigillo::pkcs11 {

// For work that finds its object's handle to be of another generation: nothing was asked of the token.
inline Error handles_changed() {
    return {Errc::kUnavailable, "the token's objects are being found anew; try again in a moment"};
}

enum class Where { kPool, kAnchor };  // the anchor only for creating objects that stay

class TokenConnection {
 public:
    // Called after each login (the first too), with a session that is open just for it.
    using OnLogin =
        std::function<Status(const Module&, CK_SLOT_ID, CK_SESSION_HANDLE, std::uint64_t generation)>;

    // One C_Login. Errors as find_token(), login() and `on_login`.
    static Result<std::unique_ptr<TokenConnection>> open(Pkcs11Config config, Logger& logger,
                                                         OnLogin on_login);
    // Closes the sessions, and with the last one the login. No C_Logout: it would also log out other users
    // of the token in this process.
    ~TokenConnection();

    // Runs `work(session, generation) -> Outcome` on a session of its own. When the session turns out to be
    // stale, or the login or an object gone, that is mended (without a C_Login while the anchor lives) and
    // `work` runs a second time; it had done nothing. Any other trouble is an error; the session is thrown
    // away if the token failed, and the next call begins with a look at the anchor.
    template <class Work>
    Status run(Where where, CallKind kind, Work&& work) {
        for (int attempt = 0;; ++attempt) {
            bool stale = false;
            Status status = run_once(where, kind, attempt == 0, stale, work);
            if (!stale) return status;
            SIGILLO_TRY(ensure_alive());
        }
    }

    // C_DestroyObject for a session object of `generation`: at once if a session is free, else by the next
    // call that is. Does not wait for others.
    void destroy(CK_OBJECT_HANDLE object, std::uint64_t generation) noexcept;

    KeyStoreHealth health() const;
    std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
    const Module& module() const { return *module_; }
    const Token& token() const { return token_; }  // as it was at open()

 private:
    struct Pooled {  // touched only by the holder of the place
        CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
        std::uint64_t epoch = 0;  // of the anchor under which it was opened; 0: none
    };
    struct Login {
        CK_SLOT_ID slot = 0;
        CK_SESSION_HANDLE anchor = CK_INVALID_HANDLE;
        std::uint64_t epoch = 0;  // grows with each new anchor
    };
    struct Doomed {
        CK_OBJECT_HANDLE object;
        std::uint64_t generation;
    };

    TokenConnection(Pkcs11Config config, std::shared_ptr<Module> module, TokenUri uri, Token token,
                    Logger& logger, OnLogin on_login);

    template <class Work>
    Status run_once(Where where, CallKind kind, bool may_retry, bool& stale, Work& work) {
        if (suspect_.load(std::memory_order_acquire)) SIGILLO_TRY(ensure_alive());
        SIGILLO_ASSIGN(const Turnstile::Pass pass, gate(where).enter(config_.session_wait, kind));
        SIGILLO_ASSIGN(const CK_SESSION_HANDLE session, session_at(where, pass.index()));
        Outcome outcome = work(session, generation());
        if (outcome.rv == CKR_OK && !outcome.error) {
            if (doomed_count_.load(std::memory_order_relaxed) != 0) destroy_doomed(session);
            return {};
        }
        return settle(where, pass.index(), may_retry, stale, std::move(outcome));
    }
    Turnstile& gate(Where where) { return where == Where::kPool ? pool_gate_ : anchor_gate_; }
    Result<CK_SESSION_HANDLE> session_at(Where where, std::size_t index);
    Status settle(Where where, std::size_t index, bool may_retry, bool& stale, Outcome outcome);
    bool note_trouble(const std::string& what, bool objects_lost);
    void discard(std::size_t index);
    void destroy_doomed(CK_SESSION_HANDLE session);

    Status ensure_alive();
    Status recover();
    Status reopen();
    Status log_in(CK_SESSION_HANDLE anchor, const Token& token);
    Status after_login();
    Login login_now() const;

    Pkcs11Config config_;
    const std::shared_ptr<Module> module_;
    const TokenUri uri_;
    const Token token_;
    Logger& logger_;
    const OnLogin on_login_;

    Turnstile pool_gate_;
    Turnstile anchor_gate_;
    std::vector<Pooled> pool_;

    std::atomic<bool> suspect_{false};  // look at the anchor before the next call; set with mutex_ held
    std::atomic<std::uint64_t> generation_{0};

    mutable std::mutex mutex_;  // guards what follows; never held during a call into the module
    std::condition_variable recovered_;
    Login login_;
    bool recovering_ = false;
    std::chrono::steady_clock::time_point recovering_since_{};
    bool objects_lost_ = false;         // handles must be found anew although the anchor lives
    std::optional<Error> pin_refused_;  // for ever
    std::optional<std::chrono::steady_clock::time_point> reopen_failed_;
    std::string trouble_;         // the last one, for health(); empty after a good look at the anchor
    std::uint64_t troubles_ = 0;  // how many there were
    std::vector<Doomed> doomed_;
    std::atomic<std::size_t> doomed_count_{0};
};

}  // namespace sigillo::pkcs11
