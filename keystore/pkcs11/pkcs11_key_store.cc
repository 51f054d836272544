#include "keystore/pkcs11/pkcs11_key_store.h"

#include <algorithm>

#include "keystore/pkcs11/pkcs11_key_store_impl.h"

namespace sigillo {

using pkcs11::CallKind;
using pkcs11::Outcome;
using pkcs11::RoleObject;
using pkcs11::Where;

namespace {

class RoleKey final : public pkcs11::TokenKey {
 public:
    RoleKey(std::shared_ptr<Pkcs11KeyStore::Impl> store, RoleObject object, PublicKey key)
        : TokenKey(std::move(key)), store_(std::move(store)), object_(object) {}

 private:
    pkcs11::TokenConnection& connection() override { return store_->connection(); }
    std::optional<CK_OBJECT_HANDLE> handle(std::uint64_t generation) override {
        return store_->role_handle(object_, generation);
    }
    const std::shared_ptr<Pkcs11KeyStore::Impl> store_;
    const RoleObject object_;
};

}  // namespace

Result<std::shared_ptr<Pkcs11KeyStore::Impl>> Pkcs11KeyStore::Impl::create(Pkcs11Config config,
                                                                           Random& random, Logger& logger) {
    std::shared_ptr<Impl> impl(new Impl(config, random));
    // The connection is the impl's own, so the pointer in its hook does not dangle.
    Impl* self = impl.get();
    SIGILLO_ASSIGN(impl->connection_,
                   pkcs11::TokenConnection::open(std::move(config), logger,
                                                 [self](const pkcs11::Module& module, CK_SLOT_ID slot,
                                                        CK_SESSION_HANDLE session, std::uint64_t generation) {
                                                     return self->on_login(module, slot, session, generation);
                                                 }));
    impl->scheme_name_ = impl->objects_.scheme.name;
    SIGILLO_TRY(impl->make_control());
    return impl;
}

Status Pkcs11KeyStore::Impl::on_login(const pkcs11::Module& module, CK_SLOT_ID slot,
                                      CK_SESSION_HANDLE session, std::uint64_t generation) {
    SIGILLO_ASSIGN(const auto mechanisms, pkcs11::mechanisms_of(module, slot));
    SIGILLO_ASSIGN(pkcs11::RoleObjects found,
                   pkcs11::find_role_objects(module, session, labels_, mechanisms, random_));
    found.generation = generation;
    const std::lock_guard lock(mutex_);
    const bool another =
        objects_.generation != 0 && (found.log_key != objects_.log_key || found.ca_key != objects_.ca_key);
    if (another)
        return fail(Errc::kUnavailable,
                    "the token has come back with other keys; restart after checking why");
    objects_ = std::move(found);
    return {};
}

Status Pkcs11KeyStore::Impl::make_control() {
    Control control;
    SIGILLO_ASSIGN(control.key, generate(KeyAlgorithm::kEcP256));
    SIGILLO_ASSIGN(control.sealed, seal({}, {}));
    SIGILLO_TRY(unwrap(control.key.wrapped, control.key.public_key));
    SIGILLO_TRY(open(control.sealed, {}));
    control_ = std::move(control);
    return {};
}

std::optional<CK_OBJECT_HANDLE> Pkcs11KeyStore::Impl::role_handle(RoleObject object,
                                                                  std::uint64_t generation) const {
    const std::lock_guard lock(mutex_);
    if (objects_.generation != generation) return std::nullopt;
    return objects_[object];
}

Result<std::shared_ptr<SigningKey>> Pkcs11KeyStore::Impl::role_key(KeyRole role) {
    const RoleObject object = role == KeyRole::kLog ? RoleObject::kLog : RoleObject::kCa;
    const std::lock_guard lock(mutex_);
    return std::make_shared<RoleKey>(shared_from_this(), object,
                                     role == KeyRole::kLog ? objects_.log_key : objects_.ca_key);
}

Result<SecretBytes> Pkcs11KeyStore::Impl::mac(MacRole role, ByteView message) {
    constexpr std::size_t kMacSize = 32;
    const RoleObject object = role == MacRole::kRecords ? RoleObject::kRecords : RoleObject::kPinPepper;
    pkcs11::RawSignature raw;
    Status status = connection_->run(
        Where::kPool, CallKind::kShort, [&](CK_SESSION_HANDLE session, std::uint64_t generation) {
            const auto key = role_handle(object, generation);
            if (!key) return Outcome::wrong(pkcs11::handles_changed());
            Outcome outcome = pkcs11::raw_sign(connection_->module(), session, *key,
                                               {CKM_SHA256_HMAC, nullptr, 0}, message, raw);
            if (outcome.rv == CKR_OK && !outcome.error && raw.size != kMacSize)
                return Outcome::wrong(
                    {Errc::kHsmFailed, "C_Sign answered CKR_OK with a MAC of wrong length"});
            return outcome;
        });
    if (!status) return std::unexpected(std::move(status).error());
    SecretBytes value = SecretBytes::copy_of(raw.view());
    pkcs11::cleanse(raw);
    return value;
}

Pkcs11KeyStore::Pkcs11KeyStore(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pkcs11KeyStore::~Pkcs11KeyStore() = default;

Result<std::unique_ptr<Pkcs11KeyStore>> Pkcs11KeyStore::create(Pkcs11Config config, Random& random,
                                                               Logger& logger) {
    SIGILLO_ASSIGN(auto impl, Impl::create(std::move(config), random, logger));
    return std::unique_ptr<Pkcs11KeyStore>(new Pkcs11KeyStore(std::move(impl)));
}

Result<std::shared_ptr<SigningKey>> Pkcs11KeyStore::role_key(KeyRole role) {
    return impl_->role_key(role);
}
Result<GeneratedKey> Pkcs11KeyStore::generate(KeyAlgorithm algorithm) {
    return impl_->generate(algorithm);
}
Result<std::shared_ptr<SigningKey>> Pkcs11KeyStore::unwrap(const WrappedKey& wrapped,
                                                           const PublicKey& expected) {
    return impl_->unwrap(wrapped, expected);
}
Result<SecretBytes> Pkcs11KeyStore::mac(MacRole role, ByteView message) {
    return impl_->mac(role, message);
}
Result<Bytes> Pkcs11KeyStore::seal(ByteView plaintext, ByteView associated_data) {
    return impl_->seal(plaintext, associated_data);
}
Result<SecretBytes> Pkcs11KeyStore::open(ByteView sealed, ByteView associated_data) {
    return impl_->open(sealed, associated_data);
}
KeyStoreHealth Pkcs11KeyStore::health() const {
    return impl_->connection().health();
}
std::uint64_t Pkcs11KeyStore::generation() const {
    return impl_->connection().generation();
}
const std::string& Pkcs11KeyStore::wrapping_scheme() const {
    return impl_->scheme_name();
}

}  // namespace sigillo
