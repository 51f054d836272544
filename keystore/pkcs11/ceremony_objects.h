// Making the ceremony's objects on a read-write session. All of it can be rehearsed with session objects.
#pragma once

#include "appliance/base/random.h"
#include "appliance/base/result.h"
#include "keystore/pkcs11/ceremony.h"
#include "keystore/pkcs11/object_templates.h"
#include "keystore/pkcs11/wrapping.h"

namespace sigillo::pkcs11 {

enum class Lifetime { kSession, kToken };

// Creates an object (for a key pair: both halves) as its template wants it, and appends its handles to
// `made`. Modules that do not know CKA_COPYABLE, CKA_DESTROYABLE or CKA_ALLOWED_MECHANISMS get it without
// them.
Status create_object(const Module& module, CK_SESSION_HANDLE session, RoleObject object, Lifetime lifetime,
                     const CeremonyConfig& config, const WrappingScheme& scheme,
                     std::vector<CK_OBJECT_HANDLE>& made);

// Wraps and unwraps a throw-away P-256 key under a KEK that is only a session object, and lets it sign.
// kCorrupt when what comes back is another key.
Status rehearse_wrapping(const Module& module, CK_SESSION_HANDLE session, const CeremonyConfig& config,
                         const WrappingScheme& scheme, Random& random);

}  // namespace sigillo::pkcs11
