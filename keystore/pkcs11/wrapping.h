// The mechanisms that wrap signers' keys, by the names under which they stand in the store.
#pragma once

#include <set>
#include <string_view>
#include <vector>

#include "appliance/base/random.h"
#include "appliance/base/result.h"
#include "keystore/pkcs11/ceremony.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/pkcs11/module.h"

namespace sigillo::pkcs11 {

struct WrappingScheme {
    std::string_view name;  // stored with each wrapped key: never changed
    CK_MECHANISM_TYPE mechanism;
};

// nullptr for a name or mechanism that is none of ours.
const WrappingScheme* wrapping_scheme(std::string_view name);
const WrappingScheme* wrapping_scheme(CK_MECHANISM_TYPE mechanism);

// The best that the token offers: CKM_AES_KEY_WRAP_KWP (v3.0, RFC 5649 for every length), else
// CKM_AES_KEY_WRAP_PAD. kUnsupported when it offers neither.
Result<WrappingScheme> choose_wrapping_scheme(const std::set<CK_MECHANISM_TYPE>& offered);

// Wraps keys that we know under a KEK that we know, all session objects, and compares with libcrypto's RFC
// 5649. kCorrupt when the token's wrapping is something else, else as error_before().
Result<KnownAnswer> try_known_answer(const Module& module, CK_SESSION_HANDLE session,
                                     const WrappingScheme& scheme, Random& random);

}  // namespace sigillo::pkcs11
