// AES-256-GCM by libcrypto, for secrets that the HSM has no part in.
// Pure functions; safe from any thread.
#pragma once

#include "appliance/base/result.h"
#include "appliance/base/secret.h"

namespace sigillo {

inline constexpr std::size_t kAeadKeySize = 32;
inline constexpr std::size_t kAeadNonceSize = 12;
inline constexpr std::size_t kAeadTagSize = 16;

// ciphertext ‖ tag. A pair of key and nonce must be used only once. kInternal: libcrypto failed.
Result<Bytes> aead_seal(ByteView key, ByteView nonce, ByteView plaintext, ByteView associated_data);
// kCorrupt when key, nonce, data or tag do not belong together.
Result<SecretBytes> aead_open(ByteView key, ByteView nonce, ByteView sealed, ByteView associated_data);

}  // namespace sigillo
