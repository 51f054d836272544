// TokenKeys over any PKCS#11 v2.40 module. No Cryptoki in this header.
//
// A connection of its own beside that of Pkcs11KeyStore: other token, other PIN, one login on an anchor
// session and a bounded pool that signs. What pkcs11_key_store.h says of PINs, sessions and fork() holds here
// too.
#pragma once

#include <filesystem>
#include <memory>

#include "appliance/base/logger.h"
#include "appliance/base/random.h"
#include "keystore/pkcs11/pkcs11_key_store.h"
#include "keystore/token_keys.h"

namespace sigillo {

struct TokenKeysConfig {
    // Token, PIN, sessions and waits; `labels` and `max_generations` are of no interest here.
    Pkcs11Config token;
    // Where the module keeps its token files, synced after each creation and destruction; or empty. SoftHSM
    // never fsyncs.
    std::filesystem::path token_directory;
};

class Pkcs11TokenKeys final : public TokenKeys {
 public:
    // Logs in. kInvalidArgument (URI, PIN missing), kNotFound (module or token), kAuthenticationFailed (wrong
    // or locked PIN: do not try again), kUnavailable. Logger and Random must outlive it and its keys.
    static Result<std::unique_ptr<Pkcs11TokenKeys>> create(TokenKeysConfig config, Random& random,
                                                           Logger& logger);
    ~Pkcs11TokenKeys() override;

    Result<PublicKey> create(const std::string& label, KeyAlgorithm algorithm) override;
    Result<std::shared_ptr<SigningKey>> open(const std::string& label) override;
    Status destroy(const std::string& label) override;
    KeyStoreHealth health() const override;

    class Impl;  // this file's own

 private:
    explicit Pkcs11TokenKeys(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace sigillo
