// The KeyStore over any PKCS#11 v2.40 module. No Cryptoki in this header.
//
// One login for each token, on an anchor session that stays open and owns every unwrapped key; a bounded pool
// of sessions does the signing, so that a broken session takes no key with it. Wrong PINs: one C_Login, then
// never again (HSMs lock after three). A PIN that the token has accepted once is given again only when the
// anchor session itself is gone (token taken out and put back), and a refusal then is final too.
//
// Ownership: keys handed out keep the token's sessions alive; they may outlive the store. Logger and Random
// must outlive both. Never fork() after create(): a child would inherit the login.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "appliance/base/logger.h"
#include "appliance/base/random.h"
#include "appliance/base/secret.h"
#include "keystore/key_store.h"
#include "keystore/pkcs11/key_labels.h"

namespace sigillo {

struct Pkcs11Config {
    // RFC 7512, with an absolute `module-path`, and enough of token, serial, manufacturer, model to name
    // exactly one token: "pkcs11:token=sigillo?module-path=/usr/lib/softhsm/libsofthsm2.so". A `pin-value`
    // is refused: a PIN does not belong into a configuration line.
    std::string token_uri;
    // The user PIN's bytes as the caller read them from the pin file, without a line end.
    SecretBytes pin;
    KeyLabels labels;
    // Sessions that sign at the same time, besides the anchor. 4: SoftHSM has a lock inside and gains nothing
    // beyond 2; network HSMs gain up to their number of cores.
    std::size_t max_sessions = 4;
    // Of those, how many may generate keys at a time: RSA takes seconds and must not starve the signing. 2.
    std::size_t max_generations = 2;
    // Longest wait for a session before a call answers kUnavailable. 10 s: below the clients' usual 30 s.
    std::chrono::milliseconds session_wait{10'000};
    // A call that stays in the HSM longer than this turns health() red. 5 s: a hundred times a slow
    // signature.
    std::chrono::milliseconds slow_call{5'000};
    // The same for key generation, where RSA-4096 honestly takes many seconds. 60 s.
    std::chrono::milliseconds slow_generation{60'000};
    // Pause between attempts to get a lost token back, so that a dead HSM is not hammered. 500 ms.
    std::chrono::milliseconds recovery_pause{500};
    // C_Finalize when the last key and the store are gone. Off: with SoftHSM on OpenSSL 3 it has crashed in
    // exiting processes, and it would take the module away from every other user in the process.
    bool finalize = false;
};

class Pkcs11KeyStore final : public KeyStore {
 public:
    // Logs in, finds every object of `labels`, holds its attributes against the ceremony's templates and
    // proves with a throw-away key that the KEK wraps and unwraps. kInvalidArgument (URI, PIN missing),
    // kNotFound (module, token or object: `detail` says what to run), kAuthenticationFailed (wrong or locked
    // PIN: do not try again), kCorrupt (an object weaker than its template: each weak attribute is named; or
    // two objects with one label), kUnsupported (mechanism missing).
    static Result<std::unique_ptr<Pkcs11KeyStore>> create(Pkcs11Config config, Random& random,
                                                          Logger& logger);
    ~Pkcs11KeyStore() override;

    Result<std::shared_ptr<SigningKey>> role_key(KeyRole role) override;
    Result<GeneratedKey> generate(KeyAlgorithm algorithm) override;
    Result<std::shared_ptr<SigningKey>> unwrap(const WrappedKey& wrapped, const PublicKey& expected) override;
    Result<SecretBytes> mac(MacRole role, ByteView message) override;
    Result<Bytes> seal(ByteView plaintext, ByteView associated_data) override;
    Result<SecretBytes> open(ByteView sealed, ByteView associated_data) override;
    KeyStoreHealth health() const override;
    std::uint64_t generation() const override;

    // Name of the scheme that generate() wraps with, e.g. "CKM_AES_KEY_WRAP_PAD".
    const std::string& wrapping_scheme() const;

    class Impl;  // keystore/pkcs11's own

 private:
    explicit Pkcs11KeyStore(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace sigillo
