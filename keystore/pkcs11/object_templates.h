// What each object of the appliance must be: the table that the ceremony creates from and that start-up holds
// the token against. (PKCS#11 v2.40 §4.4, §4.9, §4.10)
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keystore/algorithms.h"
#include "keystore/pkcs11/attributes.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/pkcs11/key_labels.h"

namespace sigillo::pkcs11 {

// In the order of the ceremony: the KEK last, since it cannot be destroyed again.
enum class RoleObject : std::uint8_t { kLog, kCa, kRecords, kPinPepper, kSealing, kKek };
inline constexpr std::size_t kRoleObjects = 6;

enum class Holds {
    kAlways,   // in the template, and in the object
    kIfKnown,  // the same, but tolerated absent: modules of v2.20 do not know it
    kResult,   // not in the template: the token sets it
};

struct FlagRule {
    CK_ATTRIBUTE_TYPE type;
    std::string_view name;
    bool value;
    Holds holds;
};

struct ObjectTemplate {
    RoleObject object;
    std::string_view noun;         // "the KEK"
    std::string_view description;  // for the ceremony's minutes
    std::string KeyLabels::* label;
    CK_OBJECT_CLASS object_class;  // CKO_SECRET_KEY, or CKO_PRIVATE_KEY with a public key of the same label
    CK_KEY_TYPE key_type;
    std::span<const FlagRule> flags;
    // What CKA_ALLOWED_MECHANISMS is confined to; empty for the KEK: the wrapping scheme.
    std::span<const CK_MECHANISM_TYPE> mechanisms;
};

std::span<const ObjectTemplate, kRoleObjects> object_templates();
const ObjectTemplate& object_template(RoleObject object);

// Mechanisms that the role objects and the signers' keys need, the wrapping scheme aside.
// kUnsupported naming all that is missing.
Status check_mechanisms(const std::set<CK_MECHANISM_TYPE>& offered);

// What the KEK makes of every key that it unwraps, whatever is asked for: SENSITIVE, not EXTRACTABLE. So not
// even code with the login can unwrap a signer's key and read it. (PKCS#11 v2.40 §4.9.2)
inline constexpr std::size_t kUnwrapTemplateSize = 2;
const CK_ATTRIBUTE* unwrap_template();

struct Findings {
    std::vector<std::string> weak;    // weaker than the template, e.g. "CKA_DECRYPT is true"
    std::vector<std::string> absent;  // protections that the module does not know
};

Result<Findings> examine(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                         const ObjectTemplate& wanted);

// A signer's unwrapped private key: signs, and nothing else; dies with its session.
void add_unwrapped_key(Template& to, KeyAlgorithm algorithm);
// A signer's private key between C_GenerateKeyPair and C_DestroyObject: can be wrapped, and nothing more than
// it must.
void add_generated_private_key(Template& to);
void add_generated_public_key(Template& to, KeyAlgorithm algorithm);

}  // namespace sigillo::pkcs11
