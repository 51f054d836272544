// Long-lived signing keys that are made and destroyed while the appliance runs: those of time-stamping units,
// and that of their log. They have a token of their own, with a PIN of its own, so that nothing here can
// touch the keys that protect signers.
//
// Thread-safe. Errors common to all calls: as those of KeyStore (key_store.h).
#pragma once

#include <memory>
#include <string>

#include "appliance/base/result.h"
#include "keystore/key_store.h"
#include "keystore/signing_key.h"

namespace sigillo {

class TokenKeys {
 public:
    virtual ~TokenKeys() = default;

    // Makes a key pair that never leaves the token and signs only: SENSITIVE, not EXTRACTABLE. Its signatures
    // may come from a copy inside the HSM that lives as long as the login. Durable on return. `label`: 1 to
    // 32 bytes. kAlreadyExists when something on the token is labelled so, kInvalidArgument for a label of
    // another length.
    virtual Result<PublicKey> create(const std::string& label, KeyAlgorithm algorithm) = 0;

    // The key of that label, once a signature has shown that its two halves belong together. The object may
    // be kept; after destroy() its signatures fail. kNotFound; kCorrupt when the label names two objects of
    // one class, or one that could be read out, changed or used otherwise than create() makes it.
    virtual Result<std::shared_ptr<SigningKey>> open(const std::string& label) = 0;

    // Destroys both halves, and makes sure that the token has neither any more. Durable on return. kNotFound
    // when there was nothing of that label.
    virtual Status destroy(const std::string& label) = 0;

    virtual KeyStoreHealth health() const = 0;
};

}  // namespace sigillo
