// SigningKeys over a token connection: the long-lived ones of a role, and signers' unwrapped ones.
#pragma once

#include <memory>
#include <optional>

#include "keystore/pkcs11/raw_sign.h"
#include "keystore/pkcs11/token_connection.h"
#include "keystore/signing_key.h"

namespace sigillo::pkcs11 {

// What a key signs with: the token, and where its handle is found.
class TokenKey : public SigningKey {
 public:
    explicit TokenKey(PublicKey public_key) : public_key_(std::move(public_key)) {}
    TokenKey(const TokenKey&) = delete;  // a session key's handle has one owner
    TokenKey& operator=(const TokenKey&) = delete;

    const PublicKey& public_key() const final { return public_key_; }
    Result<Bytes> sign(SignatureScheme scheme, const Digest& digest) final;
    Result<Bytes> sign_message(ByteView message) final;

 protected:
    virtual TokenConnection& connection() = 0;
    // Before each signature, while this thread holds no session.
    virtual void prepare() {}
    // The object in this generation of handles; nullopt when it went with an earlier one.
    virtual std::optional<CK_OBJECT_HANDLE> handle(std::uint64_t generation) = 0;

 private:
    Result<Bytes> sign_with(const CK_MECHANISM& mechanism, ByteView input);
    const PublicKey public_key_;
};

}  // namespace sigillo::pkcs11
