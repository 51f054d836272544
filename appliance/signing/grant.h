// The permission to use a signer's key once: what step 3 of the signing path returns and step 4 redeems.
//
// Only the signing path's step 3 can make one, after the SAD was spent and the Intent is durable; it can be
// moved but not copied, and redeeming consumes it. So no code reaches a key without having passed the checks.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "appliance/base/ids.h"
#include "appliance/base/secret.h"
#include "keystore/key_store.h"

namespace sigillo::signing {

class SigningGrant {
 public:
    SigningGrant(SigningGrant&&) noexcept = default;
    SigningGrant& operator=(SigningGrant&&) noexcept = default;
    SigningGrant(const SigningGrant&) = delete;  // a permission is used at most once
    SigningGrant& operator=(const SigningGrant&) = delete;

    const CredentialId& credential() const { return credential_; }
    std::uint64_t credential_version() const { return version_; }
    std::uint64_t intent_index() const { return intent_; }

 private:
    friend class SpendStep;
    friend class KeyVault;
    SigningGrant() = default;

    CredentialId credential_;
    std::uint64_t version_ = 0;
    std::uint64_t intent_ = 0;
    PublicKey public_key_;
    WrappedKey wrapped_;
    // Where a PIN seals the wrapped key (activation/pin.h): what opens it, readable with the SAD alone.
    struct PinSeal {
        SecretBytes sad;
        Bytes sealed_opening_key;
    };
    std::optional<PinSeal> pin_seal_;
};

}  // namespace sigillo::signing
