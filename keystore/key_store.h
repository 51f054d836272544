// The HSM as the appliance sees it: role keys made in the ceremony, signers' keys that live outside
// wrapped under the KEK, and the symmetric services that protect records.
//
// Thread-safe. Each call takes a session from a bounded pool and waits for one no longer than configured.
// Errors common to all calls: kUnavailable (no session in time, token absent), kHsmRefused, kHsmFailed (see
// signing_key.h), kUnsupported (the token lacks the mechanism).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/base/result.h"
#include "appliance/base/secret.h"
#include "keystore/signing_key.h"

namespace sigillo {

// Long-lived token keys with signing power.
enum class KeyRole : std::uint8_t {
    kLog,  // Ed25519: signs checkpoints
    kCa,   // EC P-256 or P-384: the embedded CA
};

// Long-lived HMAC-SHA-256 keys.
enum class MacRole : std::uint8_t {
    kRecords,    // root of the record MAC
    kPinPepper,  // HMAC(Argon2id(PIN)): a PIN cannot be guessed without the HSM
};

// A signer's private key at rest.
struct WrappedKey {
    std::string scheme;  // name of the wrapping mechanism, e.g. "CKM_AES_KEY_WRAP_PAD"; checked on unwrap
    Bytes blob;
};

struct GeneratedKey {
    PublicKey public_key;
    WrappedKey wrapped;
};

struct KeyStoreHealth {
    bool usable = false;
    std::string reason;  // why not, or empty
    std::size_t sessions_busy = 0;
    std::size_t sessions_limit = 0;
    std::size_t waiting = 0;           // calls that wait for a session
    std::int64_t slowest_call_ms = 0;  // age of the oldest call that is still inside the HSM
};

class KeyStore {
 public:
    virtual ~KeyStore() = default;

    virtual Result<std::shared_ptr<SigningKey>> role_key(KeyRole role) = 0;

    // Generates in the HSM, wraps under the KEK, destroys: nothing remains in the HSM.
    virtual Result<GeneratedKey> generate(KeyAlgorithm algorithm) = 0;

    // A session object, SENSITIVE, not EXTRACTABLE, sign only. The public key is compared, because the
    // wrapping has no associated data. kCorrupt when blob, scheme or public key do not belong together.
    virtual Result<std::shared_ptr<SigningKey>> unwrap(const WrappedKey& wrapped,
                                                       const PublicKey& expected) = 0;

    // HMAC-SHA-256 in the HSM: 32 bytes.
    virtual Result<SecretBytes> mac(MacRole role, ByteView message) = 0;

    // AES-256-GCM under the HSM's sealing key, a fresh 96-bit nonce each: nonce ‖ ciphertext ‖ tag (16).
    virtual Result<Bytes> seal(ByteView plaintext, ByteView associated_data) = 0;
    // kCorrupt when tag or associated data do not hold.
    virtual Result<SecretBytes> open(ByteView sealed, ByteView associated_data) = 0;

    virtual KeyStoreHealth health() const = 0;
    // Grows by one whenever session objects may have been lost (token re-inserted, sessions re-opened): keys
    // unwrapped before must be unwrapped anew.
    virtual std::uint64_t generation() const = 0;
};

}  // namespace sigillo
