// The PIN that seals a signer's key.
//
//   enrolment   an X25519 pair; its private half is encrypted under HMAC_HSM(Argon2id(PIN, salt))
//   creation    the wrapped key is sealed to the public half: no PIN is needed, and none suffices to undo it
//   alone activation  the PIN opens the private half, which is re-sealed under HKDF(SAD) into the SAD's
//   record signing     the SAD opens the private half, the private half opens the wrapped key, the HSM
//   unwraps it
//
// So neither officers nor a thief of the database can use the key. Who holds disk and HSM together can still
// guess.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "appliance/base/ids.h"
#include "appliance/base/random.h"
#include "appliance/base/result.h"
#include "appliance/base/secret.h"
#include "appliance/store/records.pb.h"
#include "keystore/key_store.h"

namespace sigillo::activation {

struct PinConfig {
    std::size_t least_length =
        6;  // characters; five tries a lock make 10^6 values enough against guessing online
    std::size_t most_length = 32;       // characters; beyond that it is no PIN, and work for nothing
    std::uint32_t memory_kib = 19'456;  // Argon2id, 19 MiB with 2 passes: OWASP's minimum; ~20 ms here
    std::uint32_t passes = 2;
    std::uint32_t lanes = 1;
    std::size_t concurrent_runs = 4;  // bounds the memory that Argon2 takes: 4 × 19 MiB
    // For one of those runs; then kUnavailable. A hundred runs of 20 ms go before on four places in less.
    std::chrono::milliseconds wait{3'000};
};

// Thread-safe.
class Pins {
 public:
    // `keys` and `random` outlive it.
    Pins(PinConfig config, KeyStore& keys, Random& random);

    // Whether a PIN may be chosen: length, printable ASCII, not one repeated character, not a run of digits
    // up or down. kInvalidArgument, field "pin".
    Status acceptable(const SecretBytes& pin) const;

    // A new pair, its private half encrypted for this factor. Errors: those of acceptable() and KeyStore,
    // kUnavailable when too many runs of Argon2 are waiting.
    Result<record::Pin> enrol(const FactorId& factor, const SecretBytes& pin);

    // The X25519 private key (32 bytes). kAuthenticationFailed: not this PIN; else as enrol().
    Result<SecretBytes> unlock(const FactorId& factor, const record::Pin& record, const SecretBytes& pin);

    // The same pair under another PIN: what was sealed to it stays sealed to it.
    Result<record::Pin> change(const FactorId& factor, const record::Pin& record, const SecretBytes& old_pin,
                               const SecretBytes& new_pin);

 private:
    class Run;  // one of the concurrent runs of Argon2
    Result<SecretBytes> pin_key(const record::Pin& record, const SecretBytes& pin);
    Status encrypt(const FactorId& factor, const SecretBytes& private_key, const SecretBytes& pin,
                   record::Pin& record);

    const PinConfig config_;
    KeyStore& keys_;
    Random& random_;
    std::mutex mutex_;
    std::condition_variable freed_;
    std::size_t running_ = 0;  // guarded by mutex_
};

// `wrapped_key`, readable only with the private half of `public_key` (X25519), and only as this credential's:
// ephemeral public key (32) ‖ AES-256-GCM ciphertext ‖ tag (16), key and nonce by HKDF-SHA-256 over the
// shared secret with both public keys as salt, the credential's id as associated data. kInvalidArgument when
// `public_key` is no X25519 key.
Result<Bytes> seal_to(ByteView public_key, ByteView wrapped_key, const CredentialId& credential,
                      Random& random);
// kCorrupt when `sealed` was not made for this key and credential.
Result<SecretBytes> open_with(const SecretBytes& private_key, ByteView sealed,
                              const CredentialId& credential);

// The private half beside a SAD's record (SadKey.sealed_opening_key): AES-256-GCM, key and nonce by
// HKDF-SHA-256 over the SAD, which the store does not hold, with the credential's id as salt and as
// associated data.
Result<Bytes> seal_opening_key(const SecretBytes& sad, const SecretBytes& private_key,
                               const CredentialId& credential);
// kCorrupt when SAD, credential and bytes do not belong together.
Result<SecretBytes> open_opening_key(const SecretBytes& sad, ByteView sealed, const CredentialId& credential);

}  // namespace sigillo::activation
