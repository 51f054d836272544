// The token objects of the ceremony: found, held against their templates, proved to work.
#pragma once

#include <array>
#include <cstdint>

#include "appliance/base/random.h"
#include "appliance/base/result.h"
#include "keystore/algorithms.h"
#include "keystore/pkcs11/object_templates.h"
#include "keystore/pkcs11/wrapping.h"

namespace sigillo::pkcs11 {

struct RoleObjects {
    std::uint64_t generation = 0;  // of the connection for which the handles hold
    std::array<CK_OBJECT_HANDLE, kRoleObjects> handles{};
    PublicKey log_key;
    PublicKey ca_key;
    WrappingScheme scheme{};             // that the KEK permits
    std::vector<std::string> not_known;  // protections that the module does not have, for the minutes

    CK_OBJECT_HANDLE operator[](RoleObject object) const { return handles[static_cast<std::size_t>(object)]; }
};

// Which of the six exist: the handle, or CK_INVALID_HANDLE. kCorrupt when a label names two objects.
Result<std::array<CK_OBJECT_HANDLE, kRoleObjects>> find_role_handles(const Module& module,
                                                                     CK_SESSION_HANDLE session,
                                                                     const KeyLabels& labels);

// Finds all six on a logged-in session. kNotFound (missing ones named), kCorrupt (weaker than the template,
// each attribute named; or a public key that does not belong to its private key), kUnsupported, else as
// error_before().
Result<RoleObjects> find_role_objects(const Module& module, CK_SESSION_HANDLE session,
                                      const KeyLabels& labels, const std::set<CK_MECHANISM_TYPE>& mechanisms,
                                      Random& random);

}  // namespace sigillo::pkcs11
