#include "keystore/pkcs11/pkcs11_token_keys.h"

#include <functional>
#include <map>
#include <mutex>

#include "appliance/base/file.h"
#include "keystore/pkcs11/ck_rv.h"
#include "keystore/pkcs11/pkcs11_keys.h"
#include "keystore/pkcs11/signing_pairs.h"
#include "keystore/pkcs11/token_connection.h"

namespace sigillo {

using pkcs11::CallKind;
using pkcs11::Outcome;
using pkcs11::Where;

namespace {

// The CK_RV says whether the session can go on, the error what to tell.
Outcome outcome_of(Error error) {
    const auto rv = static_cast<CK_RV>(error.native);
    return {rv, {}, true, std::move(error)};
}

Status check_label(const std::string& label) {
    if (label.empty() || label.size() > 32)
        return fail(Errc::kInvalidArgument, "a label is 1 to 32 bytes", "label");
    return {};
}

}  // namespace

// Thread-safe. Owned by the face and by every key.
class Pkcs11TokenKeys::Impl : public std::enable_shared_from_this<Impl> {
 public:
    static Result<std::shared_ptr<Impl>> create(TokenKeysConfig config, Random& random, Logger& logger);

    Result<PublicKey> make(const std::string& label, KeyAlgorithm algorithm);
    Result<std::shared_ptr<SigningKey>> open(const std::string& label);
    Status destroy(const std::string& label);
    pkcs11::TokenConnection& connection() { return *connection_; }
    std::optional<CK_OBJECT_HANDLE> handle(const std::string& label, std::uint64_t generation) const;
    // Once in each generation: the key's signatures come from a session object from now on, if the token
    // makes one. A token object's attributes are read from the disk for each signature: with SoftHSM that
    // is most of what an ECDSA signature takes.
    void hasten(const std::string& label);

 private:
    struct Handle {
        CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
        std::uint64_t generation = 0;
        bool copy_tried = false;
        bool is_copy = false;  // a session object of ours
    };
    pkcs11::Outcome copy(const std::string& label, CK_SESSION_HANDLE session, std::uint64_t generation);

    Impl(std::filesystem::path directory, Random& random, Logger& logger)
        : directory_(std::move(directory)), random_(random), logger_(logger) {}
    Status on_login(const pkcs11::Module& module, CK_SESSION_HANDLE session, std::uint64_t generation);
    Status on_read_write(CallKind kind, const std::function<Status(CK_SESSION_HANDLE)>& work);
    Status sync() const;

    const std::filesystem::path directory_;
    Random& random_;
    Logger& logger_;
    std::mutex changing_;  // one creation or destruction at a time
    mutable std::mutex mutex_;
    std::map<std::string, Handle> handles_;                // of keys that were opened; guarded by mutex_
    std::unique_ptr<pkcs11::TokenConnection> connection_;  // last: closed before the rest goes
};

namespace {

class LabelledKey final : public pkcs11::TokenKey {
 public:
    LabelledKey(std::shared_ptr<Pkcs11TokenKeys::Impl> keys, std::string label, PublicKey key)
        : TokenKey(std::move(key)), keys_(std::move(keys)), label_(std::move(label)) {}

 private:
    pkcs11::TokenConnection& connection() override { return keys_->connection(); }
    void prepare() override { keys_->hasten(label_); }
    std::optional<CK_OBJECT_HANDLE> handle(std::uint64_t generation) override {
        return keys_->handle(label_, generation);
    }
    const std::shared_ptr<Pkcs11TokenKeys::Impl> keys_;
    const std::string label_;
};

}  // namespace

Result<std::shared_ptr<Pkcs11TokenKeys::Impl>> Pkcs11TokenKeys::Impl::create(TokenKeysConfig config,
                                                                             Random& random, Logger& logger) {
    std::shared_ptr<Impl> impl(new Impl(std::move(config.token_directory), random, logger));
    // The connection is the impl's own, so the pointer in its hook does not dangle.
    Impl* self = impl.get();
    SIGILLO_ASSIGN(impl->connection_,
                   pkcs11::TokenConnection::open(std::move(config.token), logger,
                                                 [self](const pkcs11::Module& module, CK_SLOT_ID,
                                                        CK_SESSION_HANDLE session, std::uint64_t generation) {
                                                     return self->on_login(module, session, generation);
                                                 }));
    return impl;
}

// Handles of an earlier login mean nothing: they are found anew. A key that has gone meanwhile costs nobody
// the others; its own signatures fail.
Status Pkcs11TokenKeys::Impl::on_login(const pkcs11::Module& module, CK_SESSION_HANDLE session,
                                       std::uint64_t generation) {
    std::map<std::string, Handle> known;
    {
        const std::lock_guard lock(mutex_);
        known = handles_;
    }
    for (auto& [label, handle] : known) {
        SIGILLO_ASSIGN(const auto found, pkcs11::find_private_key(module, session, label));
        if (found == CK_INVALID_HANDLE) logger_.error("hsm_key_gone", {{"label", label}});
        handle = {found, generation};
    }
    const std::lock_guard lock(mutex_);
    for (const auto& [label, handle] : known)
        if (handles_.contains(label)) handles_[label] = handle;
    return {};
}

std::optional<CK_OBJECT_HANDLE> Pkcs11TokenKeys::Impl::handle(const std::string& label,
                                                              std::uint64_t generation) const {
    const std::lock_guard lock(mutex_);
    const auto found = handles_.find(label);
    if (found == handles_.end() || found->second.generation != generation ||
        found->second.object == CK_INVALID_HANDLE)
        return std::nullopt;
    return found->second.object;
}

void Pkcs11TokenKeys::Impl::hasten(const std::string& label) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = handles_.find(label);
        if (found == handles_.end() || found->second.copy_tried) return;
        found->second.copy_tried = true;
    }
    // The anchor's, so that the object lives as long as the login.
    const Status status = connection_->run(Where::kAnchor, CallKind::kShort,
                                           [&](CK_SESSION_HANDLE session, std::uint64_t generation) {
                                               return copy(label, session, generation);
                                           });
    if (!status) logger_.notice("hsm_key_not_copied", {{"label", label}, {"error", status.error()}});
}

Outcome Pkcs11TokenKeys::Impl::copy(const std::string& label, CK_SESSION_HANDLE session,
                                    std::uint64_t generation) {
    const auto original = handle(label, generation);
    if (!original) return {};  // destroyed meanwhile, or found anew, and then tried anew
    CK_OBJECT_HANDLE made = CK_INVALID_HANDLE;
    Outcome outcome = pkcs11::copy_into_session(connection_->module(), session, *original, made);
    if (outcome.rv != CKR_OK || outcome.error) return outcome;
    {
        const std::lock_guard lock(mutex_);
        const auto found = handles_.find(label);
        if (found != handles_.end() && found->second.generation == generation &&
            found->second.object == *original) {
            found->second.object = made;
            found->second.is_copy = true;
            return outcome;
        }
    }
    return Outcome::after(connection_->module()->C_DestroyObject(session, made), "C_DestroyObject");
}

// The pool's sessions are read-only: token objects come and go on a session that is open just for it. The
// login is the token's, so it holds there too.
Status Pkcs11TokenKeys::Impl::on_read_write(CallKind kind,
                                            const std::function<Status(CK_SESSION_HANDLE)>& work) {
    return connection_->run(Where::kPool, kind, [&](CK_SESSION_HANDLE session, std::uint64_t) {
        const pkcs11::Module& module = connection_->module();
        CK_SESSION_INFO info{};
        if (const CK_RV rv = module->C_GetSessionInfo(session, &info); rv != CKR_OK)
            return Outcome::before(rv, "C_GetSessionInfo");
        auto writing = pkcs11::open_session(module, info.slotID, pkcs11::Access::kReadWrite);
        if (!writing) return outcome_of(std::move(writing).error());
        Status status = work(*writing);
        module->C_CloseSession(*writing);
        return status ? Outcome{} : outcome_of(std::move(status).error());
    });
}

Status Pkcs11TokenKeys::Impl::sync() const {
    return directory_.empty() ? Status() : sync_tree(directory_);
}

Result<PublicKey> Pkcs11TokenKeys::Impl::make(const std::string& label, KeyAlgorithm algorithm) {
    SIGILLO_TRY(check_label(label));
    const std::lock_guard lock(changing_);
    PublicKey made;
    SIGILLO_TRY(on_read_write(CallKind::kGeneration, [&](CK_SESSION_HANDLE session) -> Status {
        const pkcs11::Module& module = connection_->module();
        SIGILLO_TRY(pkcs11::make_signing_pair(module, session, label, algorithm));
        SIGILLO_ASSIGN(pkcs11::SigningPair pair, pkcs11::find_signing_pair(module, session, label, random_));
        made = std::move(pair.public_key);
        return {};
    }));
    SIGILLO_TRY(sync());
    return made;
}

Result<std::shared_ptr<SigningKey>> Pkcs11TokenKeys::Impl::open(const std::string& label) {
    SIGILLO_TRY(check_label(label));
    PublicKey found;
    SIGILLO_TRY(connection_->run(
        Where::kPool, CallKind::kShort, [&](CK_SESSION_HANDLE session, std::uint64_t generation) {
            auto pair = pkcs11::find_signing_pair(connection_->module(), session, label, random_);
            if (!pair) return outcome_of(std::move(pair).error());
            found = std::move(pair->public_key);
            const std::lock_guard lock(mutex_);
            Handle& handle = handles_[label];
            // A copy of it may be in use.
            if (!handle.is_copy || handle.generation != generation) handle = {pair->private_key, generation};
            return Outcome{};
        }));
    return std::make_shared<LabelledKey>(shared_from_this(), label, std::move(found));
}

Status Pkcs11TokenKeys::Impl::destroy(const std::string& label) {
    SIGILLO_TRY(check_label(label));
    const std::lock_guard lock(changing_);
    {
        const std::lock_guard handles(mutex_);
        handles_.erase(label);  // no signature begins with it any more
    }
    std::size_t destroyed = 0;
    SIGILLO_TRY(on_read_write(CallKind::kShort, [&](CK_SESSION_HANDLE session) -> Status {
        SIGILLO_ASSIGN(destroyed, pkcs11::destroy_signing_pair(connection_->module(), session, label));
        return {};
    }));
    SIGILLO_TRY(sync());
    if (destroyed == 0) return fail(Errc::kNotFound, "the token has no key labelled " + label, "label");
    return {};
}

Result<std::unique_ptr<Pkcs11TokenKeys>> Pkcs11TokenKeys::create(TokenKeysConfig config, Random& random,
                                                                 Logger& logger) {
    SIGILLO_ASSIGN(auto impl, Impl::create(std::move(config), random, logger));
    return std::unique_ptr<Pkcs11TokenKeys>(new Pkcs11TokenKeys(std::move(impl)));
}

Pkcs11TokenKeys::~Pkcs11TokenKeys() = default;

Result<PublicKey> Pkcs11TokenKeys::create(const std::string& label, KeyAlgorithm algorithm) {
    return impl_->make(label, algorithm);
}
Result<std::shared_ptr<SigningKey>> Pkcs11TokenKeys::open(const std::string& label) {
    return impl_->open(label);
}
Status Pkcs11TokenKeys::destroy(const std::string& label) {
    return impl_->destroy(label);
}
KeyStoreHealth Pkcs11TokenKeys::health() const {
    return impl_->connection().health();
}

}  // namespace sigillo
