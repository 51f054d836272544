// The key that signs OCSP answers, with its certificate (RFC 6960 §4.2.2.2): made in the HSM when it is first
// needed, wrapped under the KEK and kept in the store, replaced when two thirds of its certificate's life are
// over. Each is in the log: "ca.ocsp_responder".
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "appliance/audit/recorder.h"
#include "appliance/base/logger.h"
#include "appliance/issuance/authority.h"
#include "keystore/key_store.h"

namespace sigillo::issuance {

// Immutable; thread-safe.
struct OcspKey {
    std::shared_ptr<SigningKey> key;
    Verifier verifier;
    SignatureScheme scheme;
    ByteView algorithm;  // AlgorithmIdentifier, DER; static storage
    Bytes certificate;   // DER
    Bytes key_hash;      // ResponderID byKey
    WallTime not_before{};
    WallTime not_after{};
    std::uint64_t generation = 0;  // of the key store, when the key was unwrapped

    // A signature that has been verified. SigningKey::sign's errors; kHsmFailed when it does not hold.
    Result<Bytes> sign(ByteView message) const;
};

// Thread-safe.
class OcspSigner {
 public:
    struct Parts {
        audit::Ledger& ledger;
        KeyStore& keys;
        Authority& authority;
        Logger& logger;
    };
    // `retry_pause`: between two attempts to make or open the key after one failed, since anonymous requests
    // ask for it.
    OcspSigner(const Parts& parts, std::chrono::milliseconds retry_pause)
        : parts_(parts), retry_pause_(retry_pause) {}

    // The key in use, which is good now; makes, opens or replaces it where it must be. While one thread does
    // so the others wait for it. kUnavailable within retry_pause of a failure; else what failed.
    Result<std::shared_ptr<const OcspKey>> key();
    // As key(), and replaces one that is due before it must be. To be called now and then.
    void renew_if_due();

    struct Health {
        bool usable = false;
        std::string trouble;  // why there is none, or why its renewal failed; empty when all is well
        WallTime not_after{};
    };
    Health health() const;

 private:
    using Key = std::shared_ptr<const OcspKey>;
    Key in_use() const;
    bool serves(const Key& key) const;
    bool is_due(const Key& key) const;
    Result<Key> provide(bool replace_when_due);
    Result<Key> open_or_make(bool replace_when_due);
    Result<record::OcspResponder> make();
    Result<Key> open(const record::OcspResponder& stored);

    const Parts parts_;
    const std::chrono::milliseconds retry_pause_;
    std::mutex making_;  // one thread makes or opens a key at a time
    mutable std::mutex mutex_;
    Key key_;              // guarded by mutex_, as is what follows
    std::string trouble_;  // of the last attempt
    BootTime next_try_{0};
};

}  // namespace sigillo::issuance
