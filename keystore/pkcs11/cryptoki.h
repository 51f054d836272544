// Cryptoki, once: p11-kit's pkcs11.h and the few names of PKCS#11 v3.0 that it lacks. Included nowhere
// outside keystore/pkcs11.
#pragma once

#include <p11-kit/pkcs11.h>

#include "appliance/base/bytes.h"

namespace sigillo::pkcs11 {

// PKCS#11 v3.0 §2.9: RFC 5649 for every length.
inline constexpr CK_MECHANISM_TYPE kCkmAesKeyWrapKwp = 0x210BUL;

// Cryptoki takes what it only reads by non-const pointers, and modules refuse null ones even where there is
// nothing to read.
inline CK_BYTE* input_bytes(ByteView bytes) {
    static CK_BYTE nothing = 0;
    return bytes.empty() ? &nothing : const_cast<CK_BYTE*>(bytes.data());
}

}  // namespace sigillo::pkcs11
