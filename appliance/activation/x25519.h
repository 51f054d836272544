// X25519 (RFC 7748) by libcrypto. Private to activation/. Pure functions; safe from any thread.
#pragma once

#include "appliance/base/result.h"
#include "appliance/base/secret.h"

namespace sigillo::activation {

inline constexpr std::size_t kX25519Size = 32;  // bytes of either half

// kInvalidArgument unless `private_key` has kX25519Size bytes.
Result<Bytes> x25519_public(const SecretBytes& private_key);
// The shared secret. kInvalidArgument for keys of the wrong size and for a public key of small order
// (RFC 7748 §6.1: an all-zero secret is refused).
Result<SecretBytes> x25519(const SecretBytes& private_key, ByteView public_key);

}  // namespace sigillo::activation
