#include "keystore/pkcs11/object_templates.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "keystore/pkcs11/ck_rv.h"
#include "keystore/pkcs11/der.h"
#include "keystore/pkcs11/wrapping.h"

namespace sigillo::pkcs11 {
namespace {

#define SIGILLO_FLAG(name, value, holds) \
    FlagRule {                           \
        name, #name, value, Holds::holds \
    }
// The part that all our objects share. MODIFIABLE = 0 is what the rest stands on: with it on, CKA_DECRYPT
// could be switched on later, which makes the KEK an oracle that decrypts signers' keys.
#define SIGILLO_GUARDED                                                                            \
    SIGILLO_FLAG(CKA_TOKEN, true, kAlways), SIGILLO_FLAG(CKA_PRIVATE, true, kAlways),              \
        SIGILLO_FLAG(CKA_SENSITIVE, true, kAlways), SIGILLO_FLAG(CKA_EXTRACTABLE, false, kAlways), \
        SIGILLO_FLAG(CKA_MODIFIABLE, false, kAlways), SIGILLO_FLAG(CKA_COPYABLE, false, kIfKnown), \
        SIGILLO_FLAG(CKA_ALWAYS_SENSITIVE, true, kResult),                                         \
        SIGILLO_FLAG(CKA_NEVER_EXTRACTABLE, true, kResult)
#define SIGILLO_SECRET_USES(encrypt, sign, wrap)                                              \
    SIGILLO_FLAG(CKA_ENCRYPT, encrypt, kAlways), SIGILLO_FLAG(CKA_DECRYPT, encrypt, kAlways), \
        SIGILLO_FLAG(CKA_SIGN, sign, kAlways), SIGILLO_FLAG(CKA_VERIFY, sign, kAlways),       \
        SIGILLO_FLAG(CKA_WRAP, wrap, kAlways), SIGILLO_FLAG(CKA_UNWRAP, wrap, kAlways),       \
        SIGILLO_FLAG(CKA_DERIVE, false, kAlways)

constexpr std::array kKekFlags{SIGILLO_GUARDED, SIGILLO_SECRET_USES(false, false, true),
                               SIGILLO_FLAG(CKA_DESTROYABLE, false, kIfKnown)};
constexpr std::array kMacFlags{SIGILLO_GUARDED, SIGILLO_SECRET_USES(false, true, false)};
constexpr std::array kSealingFlags{SIGILLO_GUARDED, SIGILLO_SECRET_USES(true, false, false)};
constexpr std::array kSigningFlags{SIGILLO_GUARDED,
                                   SIGILLO_FLAG(CKA_SIGN, true, kAlways),
                                   SIGILLO_FLAG(CKA_SIGN_RECOVER, false, kAlways),
                                   SIGILLO_FLAG(CKA_DECRYPT, false, kAlways),
                                   SIGILLO_FLAG(CKA_UNWRAP, false, kAlways),
                                   SIGILLO_FLAG(CKA_DERIVE, false, kAlways)};
#undef SIGILLO_SECRET_USES
#undef SIGILLO_GUARDED
#undef SIGILLO_FLAG

constexpr std::array<CK_MECHANISM_TYPE, 1> kHmacOnly{CKM_SHA256_HMAC};
constexpr std::array<CK_MECHANISM_TYPE, 1> kGcmOnly{CKM_AES_GCM};
constexpr std::array<CK_MECHANISM_TYPE, 1> kEddsaOnly{CKM_EDDSA};
constexpr std::array<CK_MECHANISM_TYPE, 1> kEcdsaOnly{CKM_ECDSA};

constexpr std::array<ObjectTemplate, kRoleObjects> kTemplates{{
    {RoleObject::kLog, "the log key", "Ed25519 key pair, signs the log's checkpoints", &KeyLabels::log,
     CKO_PRIVATE_KEY, CKK_EC_EDWARDS, kSigningFlags, kEddsaOnly},
    {RoleObject::kCa, "the CA key", "EC key pair, signs certificates and CRLs", &KeyLabels::ca,
     CKO_PRIVATE_KEY, CKK_EC, kSigningFlags, kEcdsaOnly},
    {RoleObject::kRecords, "the record-MAC key", "HMAC-SHA-256, protects the store's records",
     &KeyLabels::records, CKO_SECRET_KEY, CKK_GENERIC_SECRET, kMacFlags, kHmacOnly},
    {RoleObject::kPinPepper, "the PIN-pepper key", "HMAC-SHA-256, stands between a PIN and its guesser",
     &KeyLabels::pin_pepper, CKO_SECRET_KEY, CKK_GENERIC_SECRET, kMacFlags, kHmacOnly},
    {RoleObject::kSealing, "the sealing key", "AES-256-GCM, seals seeds and personal data",
     &KeyLabels::sealing, CKO_SECRET_KEY, CKK_AES, kSealingFlags, kGcmOnly},
    {RoleObject::kKek,
     "the KEK",
     "AES-256, wraps and unwraps signers' keys",
     &KeyLabels::kek,
     CKO_SECRET_KEY,
     CKK_AES,
     kKekFlags,
     {}},
}};

constexpr CK_ULONG kSecretBytes = 32;  // AES-256, HMAC-SHA-256

struct Needed {
    CK_MECHANISM_TYPE mechanism;
    std::string_view name;
};
#define SIGILLO_NEEDED(name) \
    Needed {                 \
        name, #name          \
    }
constexpr std::array kNeeded{SIGILLO_NEEDED(CKM_AES_KEY_GEN),
                             SIGILLO_NEEDED(CKM_GENERIC_SECRET_KEY_GEN),
                             SIGILLO_NEEDED(CKM_SHA256_HMAC),
                             SIGILLO_NEEDED(CKM_AES_GCM),
                             SIGILLO_NEEDED(CKM_EC_KEY_PAIR_GEN),
                             SIGILLO_NEEDED(CKM_ECDSA),
                             SIGILLO_NEEDED(CKM_RSA_PKCS_KEY_PAIR_GEN),
                             SIGILLO_NEEDED(CKM_RSA_PKCS),
                             SIGILLO_NEEDED(CKM_RSA_PKCS_PSS),
                             SIGILLO_NEEDED(CKM_EC_EDWARDS_KEY_PAIR_GEN),
                             SIGILLO_NEEDED(CKM_EDDSA)};
#undef SIGILLO_NEEDED

void check_allowed(const Bytes& value, const ObjectTemplate& wanted, std::vector<std::string>& weak) {
    // SoftHSM has an empty list where nothing was set, and allows everything then.
    if (value.empty() || value.size() % sizeof(CK_MECHANISM_TYPE) != 0) {
        weak.emplace_back("CKA_ALLOWED_MECHANISMS is empty");
        return;
    }
    for (std::size_t at = 0; at < value.size(); at += sizeof(CK_MECHANISM_TYPE)) {
        CK_MECHANISM_TYPE mechanism = 0;
        std::memcpy(&mechanism, value.data() + at, sizeof mechanism);
        const bool good = wanted.mechanisms.empty() ? wrapping_scheme(mechanism) != nullptr
                                                    : std::ranges::count(wanted.mechanisms, mechanism) == 1;
        if (!good) weak.emplace_back("CKA_ALLOWED_MECHANISMS holds mechanism " + std::to_string(mechanism));
    }
}

// Whether the module knows CKA_UNWRAP_TEMPLATE: one that does lets a throw-away key have it.
Result<bool> knows_unwrap_template(const Module& module, CK_SESSION_HANDLE session) {
    Template probe;
    probe.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).number(CKA_VALUE_LEN, kSecretBytes);
    probe.flag(CKA_TOKEN, false)
        .flag(CKA_UNWRAP, true)
        .attributes(CKA_UNWRAP_TEMPLATE, unwrap_template(), kUnwrapTemplateSize);
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    ScopedObject key(module, session);
    const CK_RV rv = module->C_GenerateKey(session, &mechanism, probe.data(), probe.size(), key.out());
    if (rv != CKR_OK && trouble_of(rv) != Trouble::kRefused)
        return std::unexpected(error_before(rv, "C_GenerateKey"));
    return rv == CKR_OK;
}

// CKA_UNWRAP_TEMPLATE of the KEK: without it, whoever has the login unwraps signers' keys as extractable
// ones.
Status check_unwrap_template(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE kek,
                             Findings& findings) {
    std::array<CK_BYTE, 64> values[kUnwrapTemplateSize]{};
    CK_ATTRIBUTE inner[kUnwrapTemplateSize]{};
    for (std::size_t at = 0; at < kUnwrapTemplateSize; ++at)
        inner[at] = {unwrap_template()[at].type, values[at].data(), values[at].size()};
    CK_ATTRIBUTE outer{CKA_UNWRAP_TEMPLATE, inner, sizeof inner};
    const CK_RV rv = module->C_GetAttributeValue(session, kek, &outer, 1);
    if (rv != CKR_OK && trouble_of(rv) != Trouble::kRefused && rv != CKR_BUFFER_TOO_SMALL)
        return std::unexpected(error_before(rv, "C_GetAttributeValue"));
    const bool absent = rv == CKR_ATTRIBUTE_TYPE_INVALID || (rv == CKR_OK && outer.ulValueLen == 0);
    if (absent) {
        SIGILLO_ASSIGN(const bool known, knows_unwrap_template(module, session));
        (known ? findings.weak : findings.absent).emplace_back("CKA_UNWRAP_TEMPLATE is absent");
        return {};
    }
    bool good = rv == CKR_OK && outer.ulValueLen == sizeof inner;
    for (std::size_t at = 0; good && at < kUnwrapTemplateSize; ++at) {
        const CK_ATTRIBUTE& expected = unwrap_template()[at];
        const auto* found = std::ranges::find(inner, expected.type, &CK_ATTRIBUTE::type);
        good = found != std::end(inner) && found->ulValueLen == sizeof(CK_BBOOL) &&
               *static_cast<const CK_BBOOL*>(found->pValue) == *static_cast<const CK_BBOOL*>(expected.pValue);
    }
    if (!good) findings.weak.emplace_back("CKA_UNWRAP_TEMPLATE is not {CKA_SENSITIVE, not CKA_EXTRACTABLE}");
    return {};
}

}  // namespace

std::span<const ObjectTemplate, kRoleObjects> object_templates() {
    return kTemplates;
}

const ObjectTemplate& object_template(RoleObject object) {
    return kTemplates[static_cast<std::size_t>(object)];
}

Status check_mechanisms(const std::set<CK_MECHANISM_TYPE>& offered) {
    std::string missing;
    for (const Needed& needed : kNeeded)
        if (!offered.contains(needed.mechanism))
            missing += (missing.empty() ? "" : ", ") + std::string(needed.name);
    if (!missing.empty()) return fail(Errc::kUnsupported, "the token does not offer " + missing);
    return {};
}

const CK_ATTRIBUTE* unwrap_template() {
    static constexpr CK_BBOOL kTrue = CK_TRUE, kFalse = CK_FALSE;
    static CK_ATTRIBUTE attributes[kUnwrapTemplateSize] = {
        {CKA_SENSITIVE, const_cast<CK_BBOOL*>(&kTrue), sizeof kTrue},
        {CKA_EXTRACTABLE, const_cast<CK_BBOOL*>(&kFalse), sizeof kFalse}};
    return attributes;
}

Result<Findings> examine(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                         const ObjectTemplate& wanted) {
    Findings findings;
    for (const FlagRule& rule : wanted.flags) {
        SIGILLO_ASSIGN(const auto value, read_flag(module, session, object, rule.type));
        if (!value)
            (rule.holds == Holds::kIfKnown ? findings.absent : findings.weak)
                .emplace_back(std::string(rule.name) + " is absent");
        else if (*value != rule.value)
            findings.weak.emplace_back(std::string(rule.name) + " is " + (*value ? "true" : "false"));
    }
    SIGILLO_ASSIGN(const auto key_type, read_number(module, session, object, CKA_KEY_TYPE));
    if (key_type != wanted.key_type) findings.weak.emplace_back("CKA_KEY_TYPE is another one");
    if (wanted.object_class == CKO_SECRET_KEY) {
        SIGILLO_ASSIGN(const auto length, read_number(module, session, object, CKA_VALUE_LEN));
        if (length != kSecretBytes) findings.weak.emplace_back("CKA_VALUE_LEN is not 32");
    }
    SIGILLO_ASSIGN(const auto allowed, read_attribute(module, session, object, CKA_ALLOWED_MECHANISMS));
    if (allowed)
        check_allowed(*allowed, wanted, findings.weak);
    else
        findings.absent.emplace_back("CKA_ALLOWED_MECHANISMS is absent");
    if (wanted.object == RoleObject::kKek)
        SIGILLO_TRY(check_unwrap_template(module, session, object, findings));
    return findings;
}

void add_unwrapped_key(Template& to, KeyAlgorithm algorithm) {
    to.number(CKA_CLASS, CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, is_rsa(algorithm) ? CKK_RSA : CKK_EC);
    to.flag(CKA_TOKEN, false).flag(CKA_PRIVATE, true).flag(CKA_SENSITIVE, true).flag(CKA_EXTRACTABLE, false);
    to.flag(CKA_SIGN, true).flag(CKA_SIGN_RECOVER, false).flag(CKA_DECRYPT, false);
    to.flag(CKA_UNWRAP, false).flag(CKA_DERIVE, false).flag(CKA_COPYABLE, false);
    to.flag(CKA_MODIFIABLE, false);  // last: SoftHSM sets in this order, and nothing after it
}

void add_generated_private_key(Template& to) {
    to.flag(CKA_TOKEN, false).flag(CKA_PRIVATE, true).flag(CKA_SENSITIVE, true).flag(CKA_EXTRACTABLE, true);
    to.flag(CKA_SIGN, true).flag(CKA_SIGN_RECOVER, false).flag(CKA_DECRYPT, false);
    to.flag(CKA_UNWRAP, false).flag(CKA_DERIVE, false);
}

void add_generated_public_key(Template& to, KeyAlgorithm algorithm) {
    static constexpr std::uint8_t kF4[] = {0x01, 0x00, 0x01};
    to.flag(CKA_TOKEN, false).flag(CKA_VERIFY, true);
    if (is_rsa(algorithm))
        to.number(CKA_MODULUS_BITS, key_bits(algorithm)).bytes(CKA_PUBLIC_EXPONENT, kF4);
    else
        to.bytes(CKA_EC_PARAMS, ec_params(algorithm));
}

}  // namespace sigillo::pkcs11
