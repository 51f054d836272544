#include "keystore/pkcs11/ceremony_objects.h"

#include "keystore/pkcs11/ck_rv.h"
#include "keystore/pkcs11/der.h"
#include "keystore/pkcs11/raw_sign.h"

namespace sigillo::pkcs11 {
namespace {

// "edwards25519" as a PrintableString: how some v3.0 modules want the curve named instead of by OID (PKCS#11
// v3.0 §2.3.5 allows both).
constexpr std::uint8_t kEdwardsName[] = {0x13, 0x0C, 'e', 'd', 'w', 'a', 'r',
                                         'd',  's',  '2', '5', '5', '1', '9'};

// What an attempt leaves out of the template; the next is made only where the token calls the template wrong.
// Counted upwards, the least loss comes first.
enum Omitted : unsigned { kUnwrapTemplate = 1, kOptionalFlags = 2, kAllowedMechanisms = 4, kAll = 7 };

bool blames_template(CK_RV rv) {
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
           rv == CKR_TEMPLATE_INCONSISTENT || rv == CKR_DOMAIN_PARAMS_INVALID ||
           rv == CKR_ATTRIBUTE_READ_ONLY;
}

struct Job {
    const Module& module;
    CK_SESSION_HANDLE session;
    const ObjectTemplate& wanted;
    Lifetime lifetime;
    ByteView label;
    KeyAlgorithm algorithm;  // of a key pair
    std::vector<CK_MECHANISM_TYPE> mechanisms;
    unsigned omitted = 0;
    bool curve_by_name = false;

    bool is_pair() const { return wanted.object_class == CKO_PRIVATE_KEY; }
    bool is_kek() const { return wanted.object == RoleObject::kKek; }
};

void add_guarded(Template& to, const Job& job) {
    for (const FlagRule& rule : job.wanted.flags) {
        const bool given = rule.holds == Holds::kAlways ||
                           (rule.holds == Holds::kIfKnown && !(job.omitted & kOptionalFlags));
        if (!given || rule.type == CKA_MODIFIABLE) continue;
        // CKA_TOKEN stands in the table as true; a rehearsal replaces it.
        to.flag(rule.type, rule.type == CKA_TOKEN ? job.lifetime == Lifetime::kToken : rule.value);
    }
    to.bytes(CKA_LABEL, job.label).bytes(CKA_ID, job.label);
    if (job.is_kek() && !(job.omitted & kUnwrapTemplate))
        to.attributes(CKA_UNWRAP_TEMPLATE, unwrap_template(), kUnwrapTemplateSize);
    if (!(job.omitted & kAllowedMechanisms)) to.mechanisms(job.mechanisms);
    to.flag(CKA_MODIFIABLE, false);  // last: some modules set in this order, and nothing after it
}

CK_RV make_secret_key(const Job& job, std::vector<CK_OBJECT_HANDLE>& made) {
    Template secret;
    secret.number(CKA_CLASS, CKO_SECRET_KEY)
        .number(CKA_KEY_TYPE, job.wanted.key_type)
        .number(CKA_VALUE_LEN, 32);
    add_guarded(secret, job);
    CK_MECHANISM mechanism{job.wanted.key_type == CKK_AES ? CKM_AES_KEY_GEN : CKM_GENERIC_SECRET_KEY_GEN,
                           nullptr, 0};
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    const CK_RV rv =
        job.module->C_GenerateKey(job.session, &mechanism, secret.data(), secret.size(), &handle);
    if (rv == CKR_OK) made.push_back(handle);
    return rv;
}

CK_RV make_key_pair(const Job& job, std::vector<CK_OBJECT_HANDLE>& made) {
    Template public_half;
    public_half.flag(CKA_TOKEN, job.lifetime == Lifetime::kToken).flag(CKA_PRIVATE, false);
    public_half.flag(CKA_VERIFY, true).flag(CKA_ENCRYPT, false).flag(CKA_WRAP, false);
    public_half.bytes(CKA_EC_PARAMS, job.curve_by_name ? ByteView(kEdwardsName) : ec_params(job.algorithm));
    public_half.bytes(CKA_LABEL, job.label).bytes(CKA_ID, job.label).flag(CKA_MODIFIABLE, false);
    Template private_half;
    add_guarded(private_half, job);
    const bool edwards = job.algorithm == KeyAlgorithm::kEd25519;
    CK_MECHANISM mechanism{edwards ? CKM_EC_EDWARDS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE, private_key = CK_INVALID_HANDLE;
    const CK_RV rv =
        job.module->C_GenerateKeyPair(job.session, &mechanism, public_half.data(), public_half.size(),
                                      private_half.data(), private_half.size(), &public_key, &private_key);
    if (rv != CKR_OK) return rv;
    made.push_back(public_key);
    made.push_back(private_key);
    return rv;
}

std::unexpected<Error> refused(CK_RV rv, const Job& job, const std::string& label) {
    Error error = error_of(rv, job.is_pair() ? "C_GenerateKeyPair" : "C_GenerateKey");
    error.detail += " for " + label;
    return std::unexpected(std::move(error));
}

}  // namespace

Status create_object(const Module& module, CK_SESSION_HANDLE session, RoleObject object, Lifetime lifetime,
                     const CeremonyConfig& config, const WrappingScheme& scheme,
                     std::vector<CK_OBJECT_HANDLE>& made) {
    const ObjectTemplate& wanted = object_template(object);
    const std::string& label = config.labels.*wanted.label;
    Job job{module,
            session,
            wanted,
            lifetime,
            as_bytes(label),
            object == RoleObject::kLog ? KeyAlgorithm::kEd25519 : config.ca_algorithm,
            {wanted.mechanisms.begin(), wanted.mechanisms.end()}};
    if (job.mechanisms.empty()) job.mechanisms.push_back(scheme.mechanism);
    CK_RV rv = CKR_OK;
    for (job.omitted = 0; job.omitted <= kAll; ++job.omitted) {
        if (!job.is_kek() && (job.omitted & kUnwrapTemplate)) continue;
        for (const bool by_name : {false, true}) {
            if (by_name && (!job.is_pair() || job.algorithm != KeyAlgorithm::kEd25519)) continue;
            job.curve_by_name = by_name;
            rv = job.is_pair() ? make_key_pair(job, made) : make_secret_key(job, made);
            if (rv == CKR_OK) return {};
            if (!blames_template(rv)) return refused(rv, job, label);
        }
    }
    return refused(rv, job, label);
}

Status rehearse_wrapping(const Module& module, CK_SESSION_HANDLE session, const CeremonyConfig& config,
                         const WrappingScheme& scheme, Random& random) {
    std::vector<CK_OBJECT_HANDLE> made;
    SIGILLO_TRY(create_object(module, session, RoleObject::kKek, Lifetime::kSession, config, scheme, made));
    const CK_OBJECT_HANDLE kek = made.front();  // not destroyable perhaps; it goes with the session

    Template public_half, private_half, unwrapped;
    add_generated_public_key(public_half, KeyAlgorithm::kEcP256);
    add_generated_private_key(private_half);
    add_unwrapped_key(unwrapped, KeyAlgorithm::kEcP256);
    ScopedObject public_key(module, session), private_key(module, session), back(module, session);
    CK_MECHANISM generation{CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    if (const CK_RV rv = module->C_GenerateKeyPair(session, &generation, public_half.data(),
                                                   public_half.size(), private_half.data(),
                                                   private_half.size(), public_key.out(), private_key.out());
        rv != CKR_OK)
        return std::unexpected(error_of(rv, "C_GenerateKeyPair"));
    SIGILLO_ASSIGN(const auto point, read_attribute(module, session, public_key.get(), CKA_EC_POINT));
    if (!point) return fail(Errc::kUnsupported, "the token shows no CKA_EC_POINT");
    SIGILLO_ASSIGN(const PublicKey expected, ec_public_key(KeyAlgorithm::kEcP256, *point));

    CK_MECHANISM wrapping{scheme.mechanism, nullptr, 0};
    Bytes blob(1024);
    CK_ULONG size = blob.size();
    if (const CK_RV rv = module->C_WrapKey(session, &wrapping, kek, private_key.get(), blob.data(), &size);
        rv != CKR_OK)
        return std::unexpected(error_of(rv, "C_WrapKey"));
    if (const CK_RV rv = module->C_UnwrapKey(session, &wrapping, kek, blob.data(), size, unwrapped.data(),
                                             unwrapped.size(), back.out());
        rv != CKR_OK)
        return std::unexpected(error_of(rv, "C_UnwrapKey"));
    bool good = false;
    SIGILLO_TRY(status_of(prove_possession(module, session, back.get(), expected, random.bytes(32), good)));
    if (!good) return fail(Errc::kCorrupt, "the token unwraps another key than it wrapped");
    return {};
}

}  // namespace sigillo::pkcs11
