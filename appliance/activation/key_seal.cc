// seal_to(), open_with() and the opening key inside a SAD's record: pin.h.
#include "appliance/activation/pin.h"
#include "appliance/activation/x25519.h"
#include "appliance/base/aead.h"
#include "appliance/base/digest.h"

namespace sigillo::activation {
namespace {

constexpr std::string_view kKeySealInfo = "sigillo/activation/key-seal/v1";
constexpr std::string_view kOpeningKeyInfo = "sigillo/activation/opening-key/v1";

// Key and nonce of one AES-256-GCM use. The input key serves once, so the nonce can be derived with the key.
struct OneTimeKey {
    SecretBytes material;
    ByteView key() const { return material.expose().first(kAeadKeySize); }
    ByteView nonce() const { return material.expose().subspan(kAeadKeySize, kAeadNonceSize); }
};

OneTimeKey one_time_key(const SecretBytes& input, ByteView salt, std::string_view info) {
    return {hkdf_sha256(input.expose(), salt, info, kAeadKeySize + kAeadNonceSize)};
}

}  // namespace

Result<Bytes> seal_to(ByteView public_key, ByteView wrapped_key, const CredentialId& credential,
                      Random& random) {
    const SecretBytes ephemeral = random.secret(kX25519Size);
    SIGILLO_ASSIGN(const Bytes ephemeral_public, x25519_public(ephemeral));
    SIGILLO_ASSIGN(const SecretBytes shared, x25519(ephemeral, public_key));
    const OneTimeKey once =
        one_time_key(shared, concat(ByteView(ephemeral_public), public_key), kKeySealInfo);
    SIGILLO_ASSIGN(const Bytes sealed,
                   aead_seal(once.key(), once.nonce(), wrapped_key, as_bytes(credential.str())));
    return concat(ephemeral_public, sealed);
}

Result<SecretBytes> open_with(const SecretBytes& private_key, ByteView sealed,
                              const CredentialId& credential) {
    if (sealed.size() < kX25519Size + kAeadTagSize) return fail(Errc::kCorrupt, "a sealed key is too short");
    const ByteView ephemeral_public = sealed.first(kX25519Size);
    SIGILLO_ASSIGN(const Bytes own_public, x25519_public(private_key));
    auto shared = x25519(private_key, ephemeral_public);
    if (!shared) return fail(Errc::kCorrupt, "a sealed key begins with no public key");
    const OneTimeKey once =
        one_time_key(*shared, concat(ephemeral_public, ByteView(own_public)), kKeySealInfo);
    return aead_open(once.key(), once.nonce(), sealed.subspan(kX25519Size), as_bytes(credential.str()));
}

Result<Bytes> seal_opening_key(const SecretBytes& sad, const SecretBytes& private_key,
                               const CredentialId& credential) {
    const OneTimeKey once = one_time_key(sad, as_bytes(credential.str()), kOpeningKeyInfo);
    return aead_seal(once.key(), once.nonce(), private_key.expose(), as_bytes(credential.str()));
}

Result<SecretBytes> open_opening_key(const SecretBytes& sad, ByteView sealed,
                                     const CredentialId& credential) {
    const OneTimeKey once = one_time_key(sad, as_bytes(credential.str()), kOpeningKeyInfo);
    return aead_open(once.key(), once.nonce(), sealed, as_bytes(credential.str()));
}

}  // namespace sigillo::activation
