// Signing key pairs that live on the token under a label of their own: made, found and held to what they must
// be, destroyed. Internal to keystore/pkcs11; pkcs11_token_keys.h is the public face.
#pragma once

#include <cstddef>
#include <string>

#include "appliance/base/random.h"
#include "appliance/base/result.h"
#include "keystore/algorithms.h"
#include "keystore/pkcs11/module.h"
#include "keystore/pkcs11/outcome.h"

namespace sigillo::pkcs11 {

struct SigningPair {
    CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
    PublicKey public_key;
};

// On a read-write session. kAlreadyExists when an object of either class has the label.
Status make_signing_pair(const Module& module, CK_SESSION_HANDLE session, const std::string& label,
                         KeyAlgorithm algorithm);

// kNotFound (also with half a pair), kCorrupt (two of one class, weaker than the template, halves that do not
// belong together), kUnsupported (a key of another kind).
Result<SigningPair> find_signing_pair(const Module& module, CK_SESSION_HANDLE session,
                                      const std::string& label, Random& random);

// The private key alone, without a look at it; CK_INVALID_HANDLE when it is not there. kCorrupt when there
// are two.
Result<CK_OBJECT_HANDLE> find_private_key(const Module& module, CK_SESSION_HANDLE session,
                                          const std::string& label);

// A session object with the same key, to sign with; as guarded as it, and gone with `session`. The outcome
// is a refusal where the token or the key does not allow it.
Outcome copy_into_session(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE private_key,
                          CK_OBJECT_HANDLE& copy);

// On a read-write session: how many of the token's objects of the label were destroyed; their copies go with
// them. kHsmFailed when some are still there.
Result<std::size_t> destroy_signing_pair(const Module& module, CK_SESSION_HANDLE session,
                                         const std::string& label);

}  // namespace sigillo::pkcs11
