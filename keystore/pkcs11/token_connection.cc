#include "keystore/pkcs11/token_connection.h"

#include <algorithm>

namespace sigillo::pkcs11 {
namespace {

// Objects to destroy on the way of one call, so that a burst of evictions does not slow a single signature.
constexpr std::size_t kDoomedPerCall = 16;

Status check(const Pkcs11Config& config) {
    if (config.pin.empty()) return fail(Errc::kInvalidArgument, "the token's PIN is missing", "pin");
    if (config.max_sessions == 0 || config.max_generations == 0)
        return fail(Errc::kInvalidArgument, "at least one session is needed", "max_sessions");
    return {};
}

}  // namespace

TokenConnection::TokenConnection(Pkcs11Config config, std::shared_ptr<Module> module, TokenUri uri,
                                 Token token, Logger& logger, OnLogin on_login)
    : config_(std::move(config)),
      module_(std::move(module)),
      uri_(std::move(uri)),
      token_(std::move(token)),
      logger_(logger),
      on_login_(std::move(on_login)),
      pool_gate_(config_.max_sessions),
      anchor_gate_(1),
      pool_(config_.max_sessions) {}

Result<std::unique_ptr<TokenConnection>> TokenConnection::open(Pkcs11Config config, Logger& logger,
                                                               OnLogin on_login) {
    SIGILLO_TRY(check(config));
    SIGILLO_ASSIGN(TokenUri uri, TokenUri::parse(config.token_uri));
    SIGILLO_ASSIGN(auto module, Module::load(uri.module_path(), config.finalize));
    SIGILLO_ASSIGN(Token token, find_token(*module, uri));
    std::unique_ptr<TokenConnection> connection(new TokenConnection(
        std::move(config), std::move(module), std::move(uri), std::move(token), logger, std::move(on_login)));
    SIGILLO_TRY(connection->reopen());
    return connection;
}

TokenConnection::~TokenConnection() {
    for (Pooled& pooled : pool_)
        if (pooled.epoch == login_.epoch && pooled.epoch != 0) (*module_)->C_CloseSession(pooled.session);
    if (login_.epoch != 0) (*module_)->C_CloseSession(login_.anchor);
}

TokenConnection::Login TokenConnection::login_now() const {
    const std::lock_guard lock(mutex_);
    return login_;
}

Result<CK_SESSION_HANDLE> TokenConnection::session_at(Where where, std::size_t index) {
    const Login login = login_now();
    if (where == Where::kAnchor) return login.anchor;
    Pooled& pooled = pool_[index];
    if (pooled.epoch != login.epoch) {
        // A session of an earlier anchor is left alone: its number may by now name somebody's new session.
        pooled.epoch = 0;
        auto session = open_session(*module_, login.slot, Access::kReadOnly);
        if (!session) {
            note_trouble(session.error().detail, false);
            return session;
        }
        pooled = {*session, login.epoch};
    }
    return pooled.session;
}

void TokenConnection::discard(std::size_t index) {
    if (pool_[index].epoch == login_now().epoch) (*module_)->C_CloseSession(pool_[index].session);
    pool_[index].epoch = 0;
}

bool TokenConnection::note_trouble(const std::string& what, bool objects_lost) {
    const std::lock_guard lock(mutex_);
    const bool news = trouble_ != what;
    trouble_ = what;
    ++troubles_;
    if (objects_lost) objects_lost_ = true;
    suspect_.store(true, std::memory_order_release);
    return news;
}

Status TokenConnection::settle(Where where, std::size_t index, bool may_retry, bool& stale, Outcome outcome) {
    const Trouble trouble = trouble_of(outcome.rv);
    const bool answered = outcome.rv == CKR_OK;
    Error error = error_of(std::move(outcome));
    if (trouble == Trouble::kRefused) return std::unexpected(std::move(error));
    // An answer that makes no sense (`error` with kHsmFailed) says as little for the session as a device
    // error.
    if (answered && error.code != Errc::kHsmFailed) return std::unexpected(std::move(error));

    if (where == Where::kPool && trouble != Trouble::kObject) discard(index);
    // Thousands of calls may meet the same trouble; one line a kind says it.
    if (note_trouble(error.detail, trouble == Trouble::kObject))
        logger_.warning("hsm_trouble", {{"error", error}});
    stale = may_retry &&
            (trouble == Trouble::kSession || trouble == Trouble::kLogin || trouble == Trouble::kObject);
    return std::unexpected(std::move(error));
}

void TokenConnection::destroy(CK_OBJECT_HANDLE object, std::uint64_t generation) noexcept {
    if (generation != this->generation()) return;  // went with its anchor
    const auto pass =
        suspect_.load(std::memory_order_acquire) ? std::nullopt : pool_gate_.try_enter(CallKind::kShort);
    if (pass) {
        const Login login = login_now();
        const Pooled& pooled = pool_[pass->index()];
        if (pooled.epoch == login.epoch && (*module_)->C_DestroyObject(pooled.session, object) == CKR_OK)
            return;
    }
    const std::lock_guard lock(mutex_);
    doomed_.push_back({object, generation});
    doomed_count_.store(doomed_.size(), std::memory_order_relaxed);
}

void TokenConnection::destroy_doomed(CK_SESSION_HANDLE session) {
    for (std::size_t done = 0; done < kDoomedPerCall; ++done) {
        Doomed next{};
        {
            const std::lock_guard lock(mutex_);
            if (doomed_.empty()) break;
            next = doomed_.back();
            doomed_.pop_back();
            doomed_count_.store(doomed_.size(), std::memory_order_relaxed);
        }
        if (next.generation != generation()) continue;
        const CK_RV rv = (*module_)->C_DestroyObject(session, next.object);
        if (rv == CKR_OK || trouble_of(rv) == Trouble::kObject) continue;
        logger_.warning("hsm_key_not_destroyed", {{"error", error_of(rv, "C_DestroyObject")}});
    }
}

KeyStoreHealth TokenConnection::health() const {
    const Turnstile::Usage pool = pool_gate_.usage();
    const Turnstile::Usage anchor = anchor_gate_.usage();
    KeyStoreHealth health;
    health.sessions_busy = pool.busy;
    health.sessions_limit = pool_gate_.places();
    health.waiting = pool.waiting + anchor.waiting;
    auto oldest = std::max(pool.oldest, anchor.oldest);
    auto oldest_short = std::max(pool.oldest_short, anchor.oldest_short);

    const std::lock_guard lock(mutex_);
    if (recovering_) {
        const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - recovering_since_);
        oldest = std::max(oldest, age);
        oldest_short = std::max(oldest_short, age);
    }
    health.slowest_call_ms = oldest.count();
    if (pin_refused_)
        health.reason = pin_refused_->detail;
    else if (oldest_short > config_.slow_call || pool.oldest_generation > config_.slow_generation)
        health.reason = "a call has been inside the HSM for " + std::to_string(oldest.count()) + " ms";
    else if (suspect_.load(std::memory_order_acquire))
        health.reason = trouble_.empty() ? "token " + token_.label + " did not answer" : trouble_;
    health.usable = health.reason.empty();
    return health;
}

}  // namespace sigillo::pkcs11
