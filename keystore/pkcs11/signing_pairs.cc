#include "keystore/pkcs11/signing_pairs.h"

#include <algorithm>
#include <span>
#include <vector>

#include "keystore/pkcs11/attributes.h"
#include "keystore/pkcs11/ck_rv.h"
#include "keystore/pkcs11/der.h"
#include "keystore/pkcs11/object_templates.h"
#include "keystore/pkcs11/raw_sign.h"

namespace sigillo::pkcs11 {
namespace {

constexpr std::uint8_t kF4[] = {0x01, 0x00, 0x01};
constexpr CK_OBJECT_CLASS kHalves[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
// One mechanism for each kind of key: nothing but the signatures that units and the log make.
constexpr CK_MECHANISM_TYPE kEcdsa[] = {CKM_ECDSA};
constexpr CK_MECHANISM_TYPE kRsa[] = {CKM_RSA_PKCS};
constexpr CK_MECHANISM_TYPE kEddsa[] = {CKM_EDDSA};

std::span<const CK_MECHANISM_TYPE> mechanisms_for(KeyAlgorithm algorithm) {
    if (is_rsa(algorithm)) return kRsa;
    return algorithm == KeyAlgorithm::kEd25519 ? std::span(kEddsa) : std::span(kEcdsa);
}

CK_MECHANISM_TYPE generation_of(KeyAlgorithm algorithm) {
    if (is_rsa(algorithm)) return CKM_RSA_PKCS_KEY_PAIR_GEN;
    return algorithm == KeyAlgorithm::kEd25519 ? CKM_EC_EDWARDS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN;
}

CK_KEY_TYPE type_of(KeyAlgorithm algorithm) {
    if (is_rsa(algorithm)) return CKK_RSA;
    return algorithm == KeyAlgorithm::kEd25519 ? CKK_EC_EDWARDS : CKK_EC;
}

// What an attempt leaves out of the template, for modules that do not know it; counted upwards, the least
// loss first.
enum Omitted : unsigned { kOptionalFlags = 1, kAllowedMechanisms = 2, kAll = 3 };

bool blames_template(CK_RV rv) {
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
           rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_ATTRIBUTE_READ_ONLY;
}

// The private half is guarded as the CA's key is, but may be copied into a session object
// (copy_into_session()), for which some modules want it MODIFIABLE, too. What that permits is less than what
// the login permits already: neither SENSITIVE nor EXTRACTABLE can be weakened in place or in a copy (PKCS#11
// v2.40 §4.4.1, §5.7).
const std::vector<FlagRule>& private_flags() {
    static const std::vector<FlagRule> flags = [] {
        std::vector<FlagRule> rules;
        for (const FlagRule& rule : object_template(RoleObject::kCa).flags)
            if (rule.type != CKA_COPYABLE && rule.type != CKA_MODIFIABLE) rules.push_back(rule);
        return rules;
    }();
    return flags;
}

CK_RV generate(const Module& module, CK_SESSION_HANDLE session, ByteView label, KeyAlgorithm algorithm,
               unsigned omitted) {
    Template public_half;
    public_half.flag(CKA_TOKEN, true).flag(CKA_PRIVATE, false).flag(CKA_VERIFY, true);
    public_half.flag(CKA_ENCRYPT, false).flag(CKA_WRAP, false);
    if (is_rsa(algorithm))
        public_half.number(CKA_MODULUS_BITS, key_bits(algorithm)).bytes(CKA_PUBLIC_EXPONENT, kF4);
    else
        public_half.bytes(CKA_EC_PARAMS, ec_params(algorithm));
    public_half.bytes(CKA_LABEL, label).bytes(CKA_ID, label).flag(CKA_MODIFIABLE, false);

    const std::span<const CK_MECHANISM_TYPE> allowed = mechanisms_for(algorithm);
    const std::vector<CK_MECHANISM_TYPE> mechanisms(allowed.begin(), allowed.end());
    Template private_half;
    for (const FlagRule& rule : private_flags()) {
        const bool given =
            rule.holds == Holds::kAlways || (rule.holds == Holds::kIfKnown && !(omitted & kOptionalFlags));
        if (given) private_half.flag(rule.type, rule.value);
    }
    private_half.bytes(CKA_LABEL, label).bytes(CKA_ID, label);
    if (!(omitted & kAllowedMechanisms)) private_half.mechanisms(mechanisms);

    CK_MECHANISM mechanism{generation_of(algorithm), nullptr, 0};
    CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE, private_key = CK_INVALID_HANDLE;
    return module->C_GenerateKeyPair(session, &mechanism, public_half.data(), public_half.size(),
                                     private_half.data(), private_half.size(), &public_key, &private_key);
}

Result<CK_OBJECT_HANDLE> find_one(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_CLASS half,
                                  const std::string& label) {
    SIGILLO_ASSIGN(const auto found, find_objects(module, session, half, label, 2));
    if (found.size() > 1)
        return fail(Errc::kCorrupt,
                    "two objects of one class are labelled " + label +
                        "; an officer must find out where the second comes from and remove it");
    return found.empty() ? CK_INVALID_HANDLE : found.front();
}

// The public half as its object shows it.
Result<PublicKey> read_public_half(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key) {
    SIGILLO_ASSIGN(const auto type, read_number(module, session, key, CKA_KEY_TYPE));
    if (type == CKK_RSA) {
        SIGILLO_ASSIGN(const auto modulus, read_attribute(module, session, key, CKA_MODULUS));
        SIGILLO_ASSIGN(const auto exponent, read_attribute(module, session, key, CKA_PUBLIC_EXPONENT));
        if (modulus && exponent) {
            const auto first = std::ranges::find_if(*modulus, [](std::uint8_t octet) { return octet != 0; });
            const auto bits = static_cast<unsigned>(modulus->end() - first) * 8;
            for (const auto algorithm :
                 {KeyAlgorithm::kRsa2048, KeyAlgorithm::kRsa3072, KeyAlgorithm::kRsa4096})
                if (key_bits(algorithm) == bits) return rsa_public_key(algorithm, *modulus, *exponent);
        }
    } else if (type == CKK_EC || type == CKK_EC_EDWARDS) {
        SIGILLO_ASSIGN(const auto point, read_attribute(module, session, key, CKA_EC_POINT));
        SIGILLO_ASSIGN(const auto params, read_attribute(module, session, key, CKA_EC_PARAMS));
        for (const auto algorithm : {KeyAlgorithm::kEcP256, KeyAlgorithm::kEcP384, KeyAlgorithm::kEd25519})
            if (point && params && type_of(algorithm) == *type && equal(*params, ec_params(algorithm)))
                return ec_public_key(algorithm, *point);
    }
    return fail(Errc::kUnsupported, "a key on the token is of a kind that is not used here");
}

// prove_possession() is for EC and Ed25519; this is the same for RSA.
Status prove_rsa(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                 const PublicKey& claimed, ByteView challenge, bool& good) {
    constexpr SignatureScheme kScheme{SignaturePadding::kPkcs1v15, HashAlgorithm::kSha256};
    SIGILLO_ASSIGN(const Digest digest, Digest::create(HashAlgorithm::kSha256, challenge));
    SIGILLO_ASSIGN(const Verifier verifier, Verifier::create(claimed));
    const SignRequest request(claimed.algorithm, kScheme, digest);
    RawSignature raw;
    SIGILLO_TRY(status_of(raw_sign(module, session, key, request.mechanism(), request.input(), raw)));
    SIGILLO_ASSIGN(good, verifier.verify(kScheme, digest, raw.view()));
    return {};
}

Status prove(const Module& module, CK_SESSION_HANDLE session, const SigningPair& pair,
             const std::string& label, Random& random) {
    const Bytes challenge = random.bytes(32);
    bool good = false;
    if (is_rsa(pair.public_key.algorithm))
        SIGILLO_TRY(prove_rsa(module, session, pair.private_key, pair.public_key, challenge, good));
    else
        SIGILLO_TRY(
            status_of(prove_possession(module, session, pair.private_key, pair.public_key, challenge, good)));
    if (!good) return fail(Errc::kCorrupt, label + ": the public key does not belong to the private key");
    return {};
}

}  // namespace

Result<CK_OBJECT_HANDLE> find_private_key(const Module& module, CK_SESSION_HANDLE session,
                                          const std::string& label) {
    return find_one(module, session, CKO_PRIVATE_KEY, label);
}

Status make_signing_pair(const Module& module, CK_SESSION_HANDLE session, const std::string& label,
                         KeyAlgorithm algorithm) {
    for (const CK_OBJECT_CLASS half : kHalves) {
        SIGILLO_ASSIGN(const auto found, find_objects(module, session, half, label, 1));
        if (!found.empty())
            return fail(Errc::kAlreadyExists, "the token has a key labelled " + label, "label");
    }
    CK_RV rv = CKR_OK;
    for (unsigned omitted = 0; omitted <= kAll; ++omitted) {
        rv = generate(module, session, as_bytes(label), algorithm, omitted);
        if (rv == CKR_OK) return {};
        if (!blames_template(rv)) break;
    }
    return std::unexpected(error_of(rv, "C_GenerateKeyPair"));
}

Result<SigningPair> find_signing_pair(const Module& module, CK_SESSION_HANDLE session,
                                      const std::string& label, Random& random) {
    SigningPair pair;
    SIGILLO_ASSIGN(pair.private_key, find_one(module, session, CKO_PRIVATE_KEY, label));
    SIGILLO_ASSIGN(const auto public_half, find_one(module, session, CKO_PUBLIC_KEY, label));
    if (pair.private_key == CK_INVALID_HANDLE || public_half == CK_INVALID_HANDLE)
        return fail(Errc::kNotFound, "the token has no key pair labelled " + label, "label");
    SIGILLO_ASSIGN(pair.public_key, read_public_half(module, session, public_half));

    ObjectTemplate wanted = object_template(RoleObject::kCa);
    wanted.noun = "the signing key";
    wanted.flags = private_flags();
    wanted.key_type = type_of(pair.public_key.algorithm);
    wanted.mechanisms = mechanisms_for(pair.public_key.algorithm);
    SIGILLO_ASSIGN(const Findings findings, examine(module, session, pair.private_key, wanted));
    std::string weak;
    for (const std::string& what : findings.weak) weak += (weak.empty() ? "" : "; ") + what;
    if (!weak.empty()) return fail(Errc::kCorrupt, label + " is weaker than it must be: " + weak);
    SIGILLO_TRY(prove(module, session, pair, label, random));
    return pair;
}

Outcome copy_into_session(const Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE private_key,
                          CK_OBJECT_HANDLE& copy) {
    Template changes;
    changes.flag(CKA_TOKEN, false);
    const CK_RV rv = module->C_CopyObject(session, private_key, changes.data(), changes.size(), &copy);
    return Outcome::after(rv, "C_CopyObject");
}

Result<std::size_t> destroy_signing_pair(const Module& module, CK_SESSION_HANDLE session,
                                         const std::string& label) {
    // Whatever bears the label goes: after an accident there may be more than one of a class.
    constexpr std::size_t kMost = 8;
    // Copies, too: of this login, and of earlier ones whose sessions live on.
    for (;;) {
        SIGILLO_ASSIGN(const auto copies,
                       find_objects(module, session, CKO_PRIVATE_KEY, label, kMost, Kept::kInSession));
        if (copies.empty()) break;
        for (const CK_OBJECT_HANDLE copy : copies) {
            const CK_RV rv = module->C_DestroyObject(session, copy);
            if (rv != CKR_OK) return std::unexpected(error_of(rv, "C_DestroyObject"));
        }
    }
    std::size_t destroyed = 0;
    for (const CK_OBJECT_CLASS half : kHalves) {
        SIGILLO_ASSIGN(const auto found, find_objects(module, session, half, label, kMost));
        for (const CK_OBJECT_HANDLE object : found) {
            const CK_RV rv = module->C_DestroyObject(session, object);
            if (rv != CKR_OK) return std::unexpected(error_of(rv, "C_DestroyObject"));
            ++destroyed;
        }
    }
    // CKR_OK alone is not believed.
    for (const CK_OBJECT_CLASS half : kHalves) {
        SIGILLO_ASSIGN(const auto left, find_objects(module, session, half, label, 1));
        if (!left.empty())
            return fail(Errc::kHsmFailed, label + " is still on the token after C_DestroyObject");
    }
    return destroyed;
}

}  // namespace sigillo::pkcs11
