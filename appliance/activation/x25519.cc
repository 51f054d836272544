#include "appliance/activation/x25519.h"

#include <openssl/evp.h>

#include <memory>

namespace sigillo::activation {
namespace {

struct FreeKey {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeContext {
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Context = std::unique_ptr<EVP_PKEY_CTX, FreeContext>;

Key private_half(const SecretBytes& key) {
    return Key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, key.expose().data(), key.size()));
}

std::unexpected<Error> not_a_key() {
    return fail(Errc::kInvalidArgument, "not an X25519 key");
}

}  // namespace

Result<Bytes> x25519_public(const SecretBytes& private_key) {
    if (private_key.size() != kX25519Size) return not_a_key();
    const Key key = private_half(private_key);
    Bytes out(kX25519Size);
    std::size_t size = out.size();
    if (!key || EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) != 1 || size != out.size())
        return not_a_key();
    return out;
}

Result<SecretBytes> x25519(const SecretBytes& private_key, ByteView public_key) {
    if (private_key.size() != kX25519Size || public_key.size() != kX25519Size) return not_a_key();
    const Key own = private_half(private_key);
    const Key peer(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, public_key.data(), public_key.size()));
    if (!own || !peer) return not_a_key();
    const Context context(EVP_PKEY_CTX_new(own.get(), nullptr));
    SecretBytes shared(kX25519Size);
    std::size_t size = shared.size();
    // libcrypto itself refuses an all-zero result.
    if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
        EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
        EVP_PKEY_derive(context.get(), shared.expose_mutable().data(), &size) != 1 || size != shared.size())
        return not_a_key();
    return shared;
}

}  // namespace sigillo::activation
