#include "tests/support/software_key_store.h"

#include "appliance/base/aead.h"
#include "appliance/base/random.h"

namespace sigillo::testing {
namespace {

constexpr std::size_t kHandleSize = 40;  // as long as a wrapped P-256 key would be, about

SecretBytes random_key() {
    return SystemRandom().secret(32);
}

}  // namespace

SoftwareKeyStore::SoftwareKeyStore()
    : records_key_(random_key()), pepper_(random_key()), sealing_key_(random_key()) {}

Status SoftwareKeyStore::fault() const {
    const std::lock_guard lock(mutex_);
    if (error_) return std::unexpected(*error_);
    return {};
}

void SoftwareKeyStore::fail_with(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
}

Result<std::shared_ptr<SigningKey>> SoftwareKeyStore::role_key(KeyRole role) {
    SIGILLO_TRY(fault());
    const std::lock_guard lock(mutex_);
    auto& key = roles_[role];
    if (!key)
        key = SoftwareKey::generate(role == KeyRole::kLog ? KeyAlgorithm::kEd25519 : KeyAlgorithm::kEcP256);
    return std::shared_ptr<SigningKey>(key);
}

Result<GeneratedKey> SoftwareKeyStore::generate(KeyAlgorithm algorithm) {
    SIGILLO_TRY(fault());
    auto key = SoftwareKey::generate(algorithm);
    GeneratedKey made{key->public_key(), {kScheme, SystemRandom().bytes(kHandleSize)}};
    const std::lock_guard lock(mutex_);
    wrapped_.emplace(made.wrapped.blob, std::move(key));
    return made;
}

std::shared_ptr<SoftwareKey> SoftwareKeyStore::behind(const WrappedKey& wrapped) {
    const std::lock_guard lock(mutex_);
    const auto found = wrapped_.find(wrapped.blob);
    return found == wrapped_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<SigningKey>> SoftwareKeyStore::unwrap(const WrappedKey& wrapped,
                                                             const PublicKey& expected) {
    SIGILLO_TRY(fault());
    ++unwraps_;
    auto key = behind(wrapped);
    if (wrapped.scheme != kScheme || !key || key->public_key() != expected)
        return fail(Errc::kCorrupt, "wrapped key, scheme and public key do not belong together");
    return std::shared_ptr<SigningKey>(std::move(key));
}

Result<SecretBytes> SoftwareKeyStore::mac(MacRole role, ByteView message) {
    SIGILLO_TRY(fault());
    const SecretBytes& key = role == MacRole::kRecords ? records_key_ : pepper_;
    return SecretBytes::copy_of(ByteView(hmac_sha256(key.expose(), {message})));
}

Result<Bytes> SoftwareKeyStore::seal(ByteView plaintext, ByteView associated_data) {
    SIGILLO_TRY(fault());
    const Bytes nonce = SystemRandom().bytes(kAeadNonceSize);
    SIGILLO_ASSIGN(const Bytes sealed, aead_seal(sealing_key_.expose(), nonce, plaintext, associated_data));
    return concat(nonce, sealed);
}

Result<SecretBytes> SoftwareKeyStore::open(ByteView sealed, ByteView associated_data) {
    SIGILLO_TRY(fault());
    if (sealed.size() < kAeadNonceSize) return fail(Errc::kCorrupt, "sealed bytes of the wrong size");
    return aead_open(sealing_key_.expose(), sealed.first(kAeadNonceSize), sealed.subspan(kAeadNonceSize),
                     associated_data);
}

KeyStoreHealth SoftwareKeyStore::health() const {
    const Status working = fault();
    KeyStoreHealth health;
    health.usable = working.has_value();
    if (!working) health.reason = working.error().detail;
    health.sessions_limit = 1;
    return health;
}

}  // namespace sigillo::testing
