#include "keystore/pkcs11/role_objects.h"

#include <algorithm>
#include <cstring>

#include "keystore/pkcs11/ck_rv.h"
#include "keystore/pkcs11/der.h"
#include "keystore/pkcs11/raw_sign.h"

namespace sigillo::pkcs11 {
namespace {

// Only one object may answer to a label: with two, the records would hang on whichever is found first.
Result<CK_OBJECT_HANDLE> find_one(const Module& module, CK_SESSION_HANDLE session,
                                  CK_OBJECT_CLASS object_class, const std::string& label) {
    SIGILLO_ASSIGN(const auto found, find_objects(module, session, object_class, label, 2));
    if (found.size() > 1)
        return fail(Errc::kCorrupt,
                    "two objects of one class are labelled " + label +
                        "; an officer must find out where the second comes from and remove it");
    return found.empty() ? CK_INVALID_HANDLE : found.front();
}

Result<KeyAlgorithm> curve_of(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                              const std::string& label) {
    SIGILLO_ASSIGN(const auto params, read_attribute(module, session, key, CKA_EC_PARAMS));
    for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384})
        if (params && equal(*params, ec_params(algorithm))) return algorithm;
    return fail(Errc::kCorrupt, label + " is neither on P-256 nor on P-384");
}

// Public objects are not under the token's protection as private ones are: a signature shows that the two
// belong together.
Status prove(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const PublicKey& claimed,
             const std::string& label, Random& random) {
    const Bytes challenge = random.bytes(32);
    bool good = false;
    SIGILLO_TRY(status_of(prove_possession(module, session, key, claimed, challenge, good)));
    if (!good) return fail(Errc::kCorrupt, label + ": the public key does not belong to the private key");
    return {};
}

Result<PublicKey> public_key_of(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE private_key,
                                const ObjectTemplate& wanted, const std::string& label, Random& random) {
    SIGILLO_ASSIGN(const auto handle, find_one(module, session, CKO_PUBLIC_KEY, label));
    if (handle == CK_INVALID_HANDLE)
        return fail(Errc::kNotFound, "the public key of " + label + " is missing from the token");
    KeyAlgorithm algorithm = KeyAlgorithm::kEd25519;
    if (wanted.key_type == CKK_EC) {
        SIGILLO_ASSIGN(algorithm, curve_of(module, session, handle, label));
    }
    SIGILLO_ASSIGN(const auto point, read_attribute(module, session, handle, CKA_EC_POINT));
    if (!point) return fail(Errc::kCorrupt, "the public key of " + label + " has no CKA_EC_POINT");
    SIGILLO_ASSIGN(PublicKey key, ec_public_key(algorithm, *point));
    SIGILLO_TRY(prove(module, session, private_key, key, label, random));
    return key;
}

// The scheme that the KEK was made for: its CKA_ALLOWED_MECHANISMS says so, where the module has them.
Result<WrappingScheme> scheme_of(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE kek,
                                 std::set<CK_MECHANISM_TYPE> offered) {
    SIGILLO_ASSIGN(const auto allowed, read_attribute(module, session, kek, CKA_ALLOWED_MECHANISMS));
    if (allowed && !allowed->empty()) {
        std::set<CK_MECHANISM_TYPE> both;
        for (std::size_t at = 0; at + sizeof(CK_MECHANISM_TYPE) <= allowed->size();
             at += sizeof(CK_MECHANISM_TYPE)) {
            CK_MECHANISM_TYPE mechanism = 0;
            std::memcpy(&mechanism, allowed->data() + at, sizeof mechanism);
            if (offered.contains(mechanism)) both.insert(mechanism);
        }
        offered = std::move(both);
    }
    return choose_wrapping_scheme(offered);
}

}  // namespace

Result<std::array<CK_OBJECT_HANDLE, kRoleObjects>> find_role_handles(const Module& module,
                                                                     CK_SESSION_HANDLE session,
                                                                     const KeyLabels& labels) {
    std::array<CK_OBJECT_HANDLE, kRoleObjects> handles{};
    for (const ObjectTemplate& wanted : object_templates()) {
        auto& handle = handles[static_cast<std::size_t>(wanted.object)];
        SIGILLO_ASSIGN(handle, find_one(module, session, wanted.object_class, labels.*wanted.label));
    }
    return handles;
}

Result<RoleObjects> find_role_objects(const Module& module, CK_SESSION_HANDLE session,
                                      const KeyLabels& labels, const std::set<CK_MECHANISM_TYPE>& mechanisms,
                                      Random& random) {
    SIGILLO_TRY(check_mechanisms(mechanisms));
    RoleObjects objects;
    SIGILLO_ASSIGN(objects.handles, find_role_handles(module, session, labels));

    std::string missing;
    for (const ObjectTemplate& wanted : object_templates())
        if (objects[wanted.object] == CK_INVALID_HANDLE)
            missing += (missing.empty() ? "" : ", ") + labels.*wanted.label;
    if (!missing.empty())
        return fail(Errc::kNotFound, "not on the token: " + missing + "; run `sigillod ceremony` first");

    std::string weak;
    for (const ObjectTemplate& wanted : object_templates()) {
        SIGILLO_ASSIGN(const Findings found, examine(module, session, objects[wanted.object], wanted));
        for (const std::string& what : found.absent)
            objects.not_known.push_back(labels.*wanted.label + ": " + what);
        for (const std::string& what : found.weak)
            weak += (weak.empty() ? "" : "; ") + std::string(wanted.noun) + " " + labels.*wanted.label +
                    ": " + what;
    }
    if (!weak.empty())
        return fail(Errc::kCorrupt, "weaker than the ceremony makes it: " + weak +
                                        "; do not use this token: run the ceremony on a new one");

    SIGILLO_ASSIGN(objects.scheme, scheme_of(module, session, objects[RoleObject::kKek], mechanisms));
    SIGILLO_ASSIGN(objects.log_key, public_key_of(module, session, objects[RoleObject::kLog],
                                                  object_template(RoleObject::kLog), labels.log, random));
    SIGILLO_ASSIGN(objects.ca_key, public_key_of(module, session, objects[RoleObject::kCa],
                                                 object_template(RoleObject::kCa), labels.ca, random));
    return objects;
}

}  // namespace sigillo::pkcs11
