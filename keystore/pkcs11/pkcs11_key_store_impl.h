// Pkcs11KeyStore's inside, shared with the keys that it hands out.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "keystore/pkcs11/pkcs11_key_store.h"
#include "keystore/pkcs11/pkcs11_keys.h"
#include "keystore/pkcs11/role_objects.h"
#include "keystore/pkcs11/token_connection.h"

namespace sigillo {

// Thread-safe. Owned by the store and by every key.
class Pkcs11KeyStore::Impl : public std::enable_shared_from_this<Impl> {
 public:
    static Result<std::shared_ptr<Impl>> create(Pkcs11Config config, Random& random, Logger& logger);

    Result<std::shared_ptr<SigningKey>> role_key(KeyRole role);
    Result<GeneratedKey> generate(KeyAlgorithm algorithm);
    Result<std::shared_ptr<SigningKey>> unwrap(const WrappedKey& wrapped, const PublicKey& expected);
    Result<SecretBytes> mac(MacRole role, ByteView message);
    Result<Bytes> seal(ByteView plaintext, ByteView associated_data);
    Result<SecretBytes> open(ByteView sealed, ByteView associated_data);

    pkcs11::TokenConnection& connection() { return *connection_; }
    const std::string& scheme_name() const { return scheme_name_; }
    std::optional<CK_OBJECT_HANDLE> role_handle(pkcs11::RoleObject object, std::uint64_t generation) const;

 private:
    // The known good answers of this token: what tells a bad blob from a bad HSM.
    struct Control {
        GeneratedKey key;
        Bytes sealed;
    };

    Impl(const Pkcs11Config& config, Random& random)
        : labels_(config.labels),
          session_wait_(config.session_wait),
          random_(random),
          generations_(config.max_generations) {}
    Status on_login(const pkcs11::Module& module, CK_SLOT_ID slot, CK_SESSION_HANDLE session,
                    std::uint64_t generation);
    Status make_control();

    Result<std::shared_ptr<SigningKey>> unwrap_once(CK_MECHANISM_TYPE mechanism, ByteView blob,
                                                    const PublicKey& expected);
    Result<bool> is_key_of(CK_OBJECT_HANDLE key, std::uint64_t generation, const PublicKey& expected);
    Result<SecretBytes> open_once(ByteView sealed, ByteView associated_data);

    const KeyLabels labels_;
    const std::chrono::milliseconds session_wait_;
    Random& random_;
    pkcs11::Turnstile generations_;
    std::string scheme_name_;  // constant after create(), as is control_
    std::optional<Control> control_;

    mutable std::mutex mutex_;
    pkcs11::RoleObjects objects_;                          // guarded by mutex_
    std::unique_ptr<pkcs11::TokenConnection> connection_;  // last: closed before the rest goes
};

}  // namespace sigillo
