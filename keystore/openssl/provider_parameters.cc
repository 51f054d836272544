// The parameters of signatures: digest, padding, PSS, and the AlgorithmIdentifier that X.509 writes beside
// them.
#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <cstring>

#include "keystore/openssl/provider_signatures.h"

namespace sigillo {
namespace {

int nid_of(HashAlgorithm hash) {
    switch (hash) {
        case HashAlgorithm::kSha256:
            return NID_sha256;
        case HashAlgorithm::kSha384:
            return NID_sha384;
        case HashAlgorithm::kSha512:
            return NID_sha512;
    }
    return NID_undef;
}

std::optional<HashAlgorithm> hash_of(const EVP_MD* md) {
    for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        if (EVP_MD_is_a(md, OBJ_nid2sn(nid_of(hash))) == 1) return hash;
    return std::nullopt;
}

bool take_text(const OSSL_PARAM* parameter, std::string& out) {
    const char* text = nullptr;
    if (OSSL_PARAM_get_utf8_string_ptr(parameter, &text) != 1 || text == nullptr) return false;
    // Parameters of the string type need not end in a NUL; `data_size` does not count one.
    out.assign(text, parameter->data_size != 0 ? strnlen(text, parameter->data_size) : std::strlen(text));
    return true;
}

int set_padding(SignatureContext& context, const OSSL_PARAM* parameter) {
    int mode = 0;
    std::string name;
    if (parameter->data_type == OSSL_PARAM_UTF8_STRING && take_text(parameter, name))
        mode = name == OSSL_PKEY_RSA_PAD_MODE_PKCSV15 ? RSA_PKCS1_PADDING
               : name == OSSL_PKEY_RSA_PAD_MODE_PSS   ? RSA_PKCS1_PSS_PADDING
                                                      : 0;
    else if (OSSL_PARAM_get_int(parameter, &mode) != 1)
        return 0;
    if (mode != RSA_PKCS1_PADDING && mode != RSA_PKCS1_PSS_PADDING)
        return refuse_signature("RSA padding is not offered: PKCS#1 v1.5 or PSS");
    context.scheme.padding = mode == RSA_PKCS1_PADDING ? SignaturePadding::kPkcs1v15 : SignaturePadding::kPss;
    return 1;
}

int set_salt(SignatureContext& context, const OSSL_PARAM* parameter) {
    int length = 0;
    std::string text;
    if (parameter->data_type == OSSL_PARAM_UTF8_STRING && take_text(parameter, text))
        length = text == OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST ? RSA_PSS_SALTLEN_DIGEST
                 : text == OSSL_PKEY_RSA_PSS_SALT_LEN_MAX  ? RSA_PSS_SALTLEN_MAX
                 : text == OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO ? RSA_PSS_SALTLEN_AUTO
                                                           : std::atoi(text.c_str());
    else if (OSSL_PARAM_get_int(parameter, &length) != 1)
        return 0;
    context.salt = length == RSA_PSS_SALTLEN_DIGEST ? std::nullopt : std::optional(length);
    return 1;
}

// RFC 4055 §3.1: hash, MGF1 with the same hash, the salt's length.
bool encode_pss(const SignatureScheme& scheme, X509_ALGOR* out) {
    const EVP_MD* md = EVP_get_digestbynid(nid_of(scheme.hash));
    const std::unique_ptr<RSA_PSS_PARAMS, FreeWith<RSA_PSS_PARAMS_free>> pss(RSA_PSS_PARAMS_new());
    X509AlgorithmHandle hash(X509_ALGOR_new());
    X509AlgorithmHandle mask(X509_ALGOR_new());
    Asn1Integer salt(ASN1_INTEGER_new());
    if (pss == nullptr || hash == nullptr || mask == nullptr || salt == nullptr || md == nullptr)
        return false;
    X509_ALGOR_set_md(hash.get(), md);
    ASN1_STRING* packed_hash = nullptr;
    if (ASN1_item_pack(hash.get(), ASN1_ITEM_rptr(X509_ALGOR), &packed_hash) == nullptr) return false;
    if (X509_ALGOR_set0(mask.get(), OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, packed_hash) != 1) {
        ASN1_STRING_free(packed_hash);
        return false;
    }
    if (ASN1_INTEGER_set(salt.get(), static_cast<long>(digest_size(scheme.hash))) != 1) return false;
    pss->hashAlgorithm = hash.release();
    pss->maskGenAlgorithm = mask.release();
    pss->saltLength = salt.release();
    ASN1_STRING* packed = nullptr;
    if (ASN1_item_pack(pss.get(), ASN1_ITEM_rptr(RSA_PSS_PARAMS), &packed) == nullptr) return false;
    if (X509_ALGOR_set0(out, OBJ_nid2obj(NID_rsassaPss), V_ASN1_SEQUENCE, packed) == 1) return true;
    ASN1_STRING_free(packed);
    return false;
}

// The AlgorithmIdentifier that X509_sign and its kin write beside the signature.
int encode_algorithm(const SignatureContext& context, OSSL_PARAM* out) {
    const X509AlgorithmHandle algorithm(X509_ALGOR_new());
    if (algorithm == nullptr) return 0;
    bool built = false;
    if (context.kind == KeyKind::kEd25519) {
        built = X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_ED25519), V_ASN1_UNDEF, nullptr) == 1;
    } else if (context.scheme.padding == SignaturePadding::kPss) {
        built = encode_pss(context.scheme, algorithm.get());
    } else {
        const int key_nid = context.kind == KeyKind::kEc ? NID_X9_62_id_ecPublicKey : NID_rsaEncryption;
        int nid = NID_undef;
        built = OBJ_find_sigid_by_algs(&nid, nid_of(context.scheme.hash), key_nid) == 1 &&
                X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(nid),
                                context.kind == KeyKind::kEc ? V_ASN1_UNDEF : V_ASN1_NULL, nullptr) == 1;
    }
    unsigned char* der = nullptr;
    const int size = built ? i2d_X509_ALGOR(algorithm.get(), &der) : -1;
    const int done = size > 0 ? OSSL_PARAM_set_octet_string(out, der, static_cast<std::size_t>(size)) : 0;
    OPENSSL_free(der);
    return done;
}

// Some callers ask for a number, some for its name.
int answer(OSSL_PARAM* out, int number, const char* name) {
    return out->data_type == OSSL_PARAM_UTF8_STRING ? OSSL_PARAM_set_utf8_string(out, name)
                                                    : OSSL_PARAM_set_int(out, number);
}

}  // namespace

int refuse_signature(std::string detail) {
    record_signing_error(Error{Errc::kInvalidArgument, std::move(detail), {}, 0});
    return 0;
}

std::optional<HashAlgorithm> named_hash(const SignatureContext& context, const char* name, EvpMd* fetched) {
    EvpMd md(EVP_MD_fetch(context.provider->library, name, nullptr));
    const auto hash = md != nullptr ? hash_of(md.get()) : std::nullopt;
    if (!hash) {
        refuse_signature(std::string("digest ") + name + " is not offered: SHA-256, SHA-384 or SHA-512");
        return std::nullopt;
    }
    if (fetched != nullptr) *fetched = std::move(md);
    return hash;
}

int set_signature_parameters(void* data, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        SignatureContext& context = signature_context_of(data);
        if (params == nullptr) return 1;
        std::string name;
        if (const OSSL_PARAM* digest = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST)) {
            if (!take_text(digest, name)) return 0;
            const auto hash = named_hash(context, name.c_str());
            if (!hash) return 0;
            if (context.hashing != nullptr && *hash != context.scheme.hash)
                return refuse_signature("the digest cannot change while a message is being hashed");
            context.scheme.hash = *hash;
        }
        if (context.kind != KeyKind::kRsa) return 1;
        if (const OSSL_PARAM* padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE))
            if (set_padding(context, padding) != 1) return 0;
        if (const OSSL_PARAM* salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN))
            if (set_salt(context, salt) != 1) return 0;
        if (const OSSL_PARAM* mask = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) {
            if (!take_text(mask, name)) return 0;
            context.mgf1 = named_hash(context, name.c_str());
            if (!context.mgf1) return 0;
        }
        return 1;
    });
}

int get_signature_parameters(void* data, OSSL_PARAM params[]) {
    return guarded(0, [&] {
        const SignatureContext& context = signature_context_of(data);
        OSSL_PARAM* wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
        if (wanted != nullptr && encode_algorithm(context, wanted) != 1) return 0;
        const char* hash = OBJ_nid2sn(nid_of(context.scheme.hash));
        wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
        if (wanted != nullptr && OSSL_PARAM_set_utf8_string(wanted, hash) != 1) return 0;
        if (context.kind != KeyKind::kRsa) return 1;
        const bool pss = context.scheme.padding == SignaturePadding::kPss;
        wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
        if (wanted != nullptr &&
            answer(wanted, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING,
                   pss ? OSSL_PKEY_RSA_PAD_MODE_PSS : OSSL_PKEY_RSA_PAD_MODE_PKCSV15) != 1)
            return 0;
        wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
        if (wanted != nullptr && OSSL_PARAM_set_utf8_string(wanted, hash) != 1) return 0;
        wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
        const int salt = static_cast<int>(digest_size(context.scheme.hash));
        return wanted == nullptr || answer(wanted, salt, std::to_string(salt).c_str()) == 1 ? 1 : 0;
    });
}

const OSSL_PARAM* gettable_signature_parameters(void*, void*) {
    static const OSSL_PARAM kParams[] = {
        OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
        OSSL_PARAM_END};
    return kParams;
}

const OSSL_PARAM* settable_signature_parameters(void*, void*) {
    return gettable_signature_parameters(nullptr, nullptr) + 1;
}

}  // namespace sigillo
