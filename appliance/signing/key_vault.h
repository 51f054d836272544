// Steps 4 and 5: signers' keys, unwrapped in the HSM when a grant is redeemed, and checked signatures out of
// them.
//
// Unwrapped keys stay in a bounded cache. A cached key never outlives a change of its credential: a grant
// carries the credential's version, a newer one replaces the cached key, an older one is refused. Keys sealed
// by a PIN are never cached. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "appliance/base/clock.h"
#include "appliance/signing/grant.h"
#include "keystore/key_store.h"

namespace sigillo::signing {

struct KeyVaultConfig {
    // Keys. 10,000 unwrapped P-256 keys take about 80 MiB in SoftHSM.
    std::size_t cache_limit = 10'000;
    // A key unused for longer is destroyed in the HSM: what is not there cannot be abused.
    std::chrono::seconds idle_limit{3600};
};

class KeyVault {
 public:
    KeyVault(KeyStore& keys, const Clock& clock, KeyVaultConfig config);

    struct Redeemed {
        std::vector<Bytes> signatures;  // verified, in the order of the digests
        std::optional<Error> error;     // why there are fewer than digests
    };
    // Signs every digest, in order, and verifies each signature with the public key before it is returned.
    // Errors: those of KeyStore::unwrap and SigningKey::sign; kConflict (the credential changed after the
    // grant was made), kHsmFailed with native 0 (a signature that the HSM returned does not verify).
    Redeemed redeem(SigningGrant grant, SignatureScheme scheme, const std::vector<Digest>& digests);

    // Forgets the key, and refuses grants older than `version` from now on.
    void forget(const CredentialId& credential, std::uint64_t version);
    // Forgets keys idle for longer than the limit, and changes as old as that; to be called now and then.
    void forget_idle();

    std::size_t cached() const;

 private:
    struct Usable {
        std::shared_ptr<SigningKey> key;
        std::shared_ptr<const Verifier> verifier;
    };
    struct Entry {
        CredentialId credential;
        std::uint64_t version;
        std::uint64_t generation;
        BootTime last_use;
        Usable usable;
    };
    struct Changed {
        std::uint64_t least_version = 0;
        BootTime at{};
    };
    bool outdated(const SigningGrant& grant) const;  // mutex_ held
    Result<Usable> usable_key(const SigningGrant& grant);
    Result<Usable> unwrap(const SigningGrant& grant);

    KeyStore& keys_;
    const Clock& clock_;
    const KeyVaultConfig config_;

    mutable std::mutex mutex_;
    std::list<Entry> entries_;  // most recently used first; guarded by mutex_, as are the two below
    std::unordered_map<std::string, std::list<Entry>::iterator> by_credential_;
    // Of credentials that changed lately: long enough for grants made before the change to have come and
    // gone.
    std::unordered_map<std::string, Changed> changed_;
};

}  // namespace sigillo::signing
