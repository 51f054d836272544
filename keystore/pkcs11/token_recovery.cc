// TokenConnection: how a login begins, and how it is got back.
#include "keystore/pkcs11/token_connection.h"

namespace sigillo::pkcs11 {
namespace {

bool is_logged_in(CK_STATE state) {
    return state == CKS_RO_USER_FUNCTIONS || state == CKS_RW_USER_FUNCTIONS;
}

// The anchor is no more, for certain: only then may a new one, and a login, take its place.
bool means_gone(CK_RV rv) {
    return trouble_of(rv) == Trouble::kSession || trouble_of(rv) == Trouble::kToken ||
           rv == CKR_DEVICE_REMOVED;
}

}  // namespace

Status TokenConnection::ensure_alive() {
    std::unique_lock lock(mutex_);
    // One thread mends, the others wait for it, but no longer than for a session.
    if (!recovered_.wait_until(lock, std::chrono::steady_clock::now() + config_.session_wait,
                               [this] { return !recovering_; }))
        return fail(Errc::kUnavailable, "the HSM has not answered while its session was being recovered");
    if (!suspect_.load(std::memory_order_acquire)) return {};
    if (pin_refused_) return std::unexpected(*pin_refused_);
    recovering_ = true;
    recovering_since_ = std::chrono::steady_clock::now();
    const std::uint64_t troubles = troubles_;
    lock.unlock();

    Status status = recover();

    lock.lock();
    recovering_ = false;
    if (!status) {
        trouble_ = status.error().detail;
    } else if (troubles == troubles_) {  // what was reported since is newer than our look at the anchor
        trouble_.clear();
        suspect_.store(false, std::memory_order_release);
    }
    lock.unlock();
    recovered_.notify_all();
    return status;
}

Status TokenConnection::recover() {
    const Login login = login_now();
    CK_SESSION_INFO info{};
    const CK_RV rv = (*module_)->C_GetSessionInfo(login.anchor, &info);
    if (rv == CKR_OK && is_logged_in(info.state)) {
        bool objects_lost = false;
        {
            const std::lock_guard lock(mutex_);
            objects_lost = objects_lost_;
        }
        return objects_lost ? after_login() : Status{};
    }
    if (rv != CKR_OK && !means_gone(rv)) return std::unexpected(error_before(rv, "C_GetSessionInfo"));

    {
        const std::lock_guard lock(mutex_);
        if (reopen_failed_ && std::chrono::steady_clock::now() - *reopen_failed_ < config_.recovery_pause)
            return fail(Errc::kUnavailable,
                        "token " + token_.label + " is away; it is tried again in a moment: " + trouble_);
    }
    Status status;
    if (rv == CKR_OK) {
        // The session lives, but somebody logged out: private session objects are gone (PKCS#11 v2.40 §5.6,
        // C_Logout).
        status = log_in(login.anchor, token_);
        if (status) status = after_login();
    } else {
        status = reopen();
    }
    const std::lock_guard lock(mutex_);
    if (status)
        reopen_failed_.reset();
    else
        reopen_failed_ = std::chrono::steady_clock::now();
    return status;
}

Status TokenConnection::reopen() {
    const Login old = login_now();
    if (old.epoch != 0) {
        // Before anything new is opened, so that no reused number is closed by mistake. What is lent out
        // stays.
        std::vector<Turnstile::Pass> idle;
        while (auto pass = pool_gate_.try_enter(CallKind::kShort)) idle.push_back(*std::move(pass));
        for (const Turnstile::Pass& pass : idle) discard(pass.index());
        (*module_)->C_CloseSession(old.anchor);
    }
    auto token = find_token(*module_, uri_, token_.serial);
    if (!token) {
        // Absent at start is a mistake in the configuration; absent later is a token that may come back.
        if (old.epoch != 0 && token.error().code == Errc::kNotFound) token.error().code = Errc::kUnavailable;
        return std::unexpected(std::move(token).error());
    }
    SIGILLO_ASSIGN(const CK_SESSION_HANDLE anchor, open_session(*module_, token->slot, Access::kReadOnly));
    if (Status status = log_in(anchor, *token); !status) {
        (*module_)->C_CloseSession(anchor);
        return status;
    }
    {
        const std::lock_guard lock(mutex_);
        login_ = {token->slot, anchor, old.epoch + 1};
    }
    return after_login();
}

Status TokenConnection::log_in(CK_SESSION_HANDLE anchor, const Token& token) {
    Status status = login(*module_, token, anchor, CKU_USER, config_.pin);
    const bool again = generation() != 0;
    if (status) {
        logger_.notice(again ? "hsm_logged_in_again" : "hsm_logged_in",
                       {{"token", token.label}, {"serial", token.serial}});
        return status;
    }
    if (status.error().code == Errc::kAuthenticationFailed) {
        logger_.error("hsm_pin_refused", {{"error", status.error()}});
        if (again) {
            // Callers learn that the HSM is out of service, not that their own authentication failed.
            status.error().code = Errc::kUnavailable;
            const std::lock_guard lock(mutex_);
            pin_refused_ = status.error();
        }
    }
    return status;
}

Status TokenConnection::after_login() {
    {
        const std::lock_guard lock(mutex_);
        objects_lost_ = true;  // until on_login_ has found them
    }
    const std::uint64_t generation = generation_.fetch_add(1, std::memory_order_acq_rel) + 1;
    const CK_SLOT_ID slot = login_now().slot;
    SIGILLO_ASSIGN(const CK_SESSION_HANDLE session, open_session(*module_, slot, Access::kReadOnly));
    Status status = on_login_(*module_, slot, session, generation);
    (*module_)->C_CloseSession(session);  // it held nothing that is kept
    if (!status) return status;
    const std::lock_guard lock(mutex_);
    objects_lost_ = false;
    return {};
}

}  // namespace sigillo::pkcs11
