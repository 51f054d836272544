// SIGNATURE: hashes with the default provider, then asks the SigningKey.
#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "keystore/openssl/provider_internal.h"

namespace sigillo {
namespace {

struct SignatureContext {
    const ProviderContext* provider = nullptr;
    KeyKind kind = KeyKind::kEc;
    std::shared_ptr<SigningKey> key;
    std::size_t max_size = 0;  // octets of the longest signature
    SignatureScheme scheme;
    std::optional<HashAlgorithm> mgf1;  // none: as scheme.hash
    std::optional<int> salt;            // none: as long as the digest
    EvpMdContext hashing;               // between digest_sign_init and digest_sign_final
};

SignatureContext& context_of(void* data) { return *static_cast<SignatureContext*>(data); }

int refuse(std::string detail) {
    record_signing_error(Error{Errc::kInvalidArgument, std::move(detail), {}, 0});
    return 0;
}

int nid_of(HashAlgorithm hash) {
    switch (hash) {
        case HashAlgorithm::kSha256: return NID_sha256;
        case HashAlgorithm::kSha384: return NID_sha384;
        case HashAlgorithm::kSha512: return NID_sha512;
    }
    return NID_undef;
}

std::optional<HashAlgorithm> hash_of(const EVP_MD* md) {
    for (const auto hash : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512})
        if (EVP_MD_is_a(md, OBJ_nid2sn(nid_of(hash))) == 1) return hash;
    return std::nullopt;
}

template <KeyKind kKind>
void* new_context(void* provider, const char*) {
    return guarded<void*>(nullptr, [&] {
        auto context = std::make_unique<SignatureContext>();
        context->provider = static_cast<const ProviderContext*>(provider);
        context->kind = kKind;
        if (kKind == KeyKind::kRsa) context->scheme.padding = SignaturePadding::kPkcs1v15;
        return context.release();
    });
}

void free_context(void* data) { delete static_cast<SignatureContext*>(data); }

void* duplicate(void* data) {
    return guarded<void*>(nullptr, [&]() -> void* {
        const SignatureContext& from = context_of(data);
        auto context = std::make_unique<SignatureContext>();
        context->provider = from.provider;
        context->kind = from.kind;
        context->key = from.key;
        context->max_size = from.max_size;
        context->scheme = from.scheme;
        context->mgf1 = from.mgf1;
        context->salt = from.salt;
        if (from.hashing != nullptr) {
            context->hashing.reset(EVP_MD_CTX_new());
            if (context->hashing == nullptr || EVP_MD_CTX_copy_ex(context->hashing.get(), from.hashing.get()) != 1)
                return nullptr;
        }
        return context.release();
    });
}

// The hash of that name, or the error. SHA-1 and the like end here.
std::optional<HashAlgorithm> named_hash(const SignatureContext& context, const char* name, EvpMd* fetched = nullptr) {
    EvpMd md(EVP_MD_fetch(context.provider->library, name, nullptr));
    const auto hash = md != nullptr ? hash_of(md.get()) : std::nullopt;
    if (!hash) {
        refuse(std::string("digest ") + name + " is not offered: SHA-256, SHA-384 or SHA-512");
        return std::nullopt;
    }
    if (fetched != nullptr) *fetched = std::move(md);
    return hash;
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
        return refuse("RSA padding is not offered: PKCS#1 v1.5 or PSS");
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

int set_parameters(void* data, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        SignatureContext& context = context_of(data);
        if (params == nullptr) return 1;
        std::string name;
        if (const OSSL_PARAM* digest = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST)) {
            if (!take_text(digest, name)) return 0;
            const auto hash = named_hash(context, name.c_str());
            if (!hash) return 0;
            if (context.hashing != nullptr && *hash != context.scheme.hash)
                return refuse("the digest cannot change while a message is being hashed");
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

// RFC 4055 §3.1: hash, MGF1 with the same hash, the salt's length.
bool encode_pss(const SignatureScheme& scheme, X509_ALGOR* out) {
    const EVP_MD* md = EVP_get_digestbynid(nid_of(scheme.hash));
    const std::unique_ptr<RSA_PSS_PARAMS, FreeWith<RSA_PSS_PARAMS_free>> pss(RSA_PSS_PARAMS_new());
    X509AlgorithmHandle hash(X509_ALGOR_new());
    X509AlgorithmHandle mask(X509_ALGOR_new());
    Asn1Integer salt(ASN1_INTEGER_new());
    if (pss == nullptr || hash == nullptr || mask == nullptr || salt == nullptr || md == nullptr) return false;
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

int get_parameters(void* data, OSSL_PARAM params[]) {
    return guarded(0, [&] {
        const SignatureContext& context = context_of(data);
        OSSL_PARAM* wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
        if (wanted != nullptr && encode_algorithm(context, wanted) != 1) return 0;
        const char* hash = OBJ_nid2sn(nid_of(context.scheme.hash));
        wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
        if (wanted != nullptr && OSSL_PARAM_set_utf8_string(wanted, hash) != 1) return 0;
        if (context.kind != KeyKind::kRsa) return 1;
        const bool pss = context.scheme.padding == SignaturePadding::kPss;
        wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
        if (wanted != nullptr && answer(wanted, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING,
                                        pss ? OSSL_PKEY_RSA_PAD_MODE_PSS : OSSL_PKEY_RSA_PAD_MODE_PKCSV15) != 1)
            return 0;
        wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
        if (wanted != nullptr && OSSL_PARAM_set_utf8_string(wanted, hash) != 1) return 0;
        wanted = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
        const int salt = static_cast<int>(digest_size(context.scheme.hash));
        return wanted == nullptr || answer(wanted, salt, std::to_string(salt).c_str()) == 1 ? 1 : 0;
    });
}

const OSSL_PARAM* gettable_parameters(void*, void*) {
    static const OSSL_PARAM kParams[] = {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, nullptr, 0),
                                         OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, nullptr, 0),
                                         OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
                                         OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, nullptr, 0),
                                         OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0),
                                         OSSL_PARAM_END};
    return kParams;
}

const OSSL_PARAM* settable_parameters(void*, void*) { return gettable_parameters(nullptr, nullptr) + 1; }

bool adopt_key(SignatureContext& context, void* key) {
    if (key == nullptr) return context.key != nullptr;  // initialised again for the key that it has
    const auto* provided = static_cast<const ProviderKey*>(key);
    if (provided->signing == nullptr) {
        refuse("the key has no private half");
        return false;
    }
    context.key = provided->signing;
    context.max_size = static_cast<std::size_t>(EVP_PKEY_get_size(provided->public_half.get()));
    return true;
}

int sign_init(void* data, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        SignatureContext& context = context_of(data);
        context.hashing.reset();
        return adopt_key(context, key) ? set_parameters(data, params) : 0;
    });
}

int deliver(const SignatureContext& context, const Result<Bytes>& signature, unsigned char* out, std::size_t* size,
            std::size_t room) {
    if (!signature) {
        record_signing_error(signature.error());
        return 0;
    }
    if (signature->empty() || signature->size() > room || signature->size() > context.max_size) {
        record_signing_error(Error{Errc::kHsmFailed, "the HSM's signature is longer than its key allows", {}, 0});
        return 0;
    }
    std::copy(signature->begin(), signature->end(), out);
    *size = signature->size();
    return 1;
}

int sign_digest(SignatureContext& context, unsigned char* out, std::size_t* size, std::size_t room, ByteView value) {
    const int digest_octets = static_cast<int>(digest_size(context.scheme.hash));
    if (context.scheme.padding == SignaturePadding::kPss &&
        (context.mgf1.value_or(context.scheme.hash) != context.scheme.hash ||
         context.salt.value_or(digest_octets) != digest_octets))
        return refuse("PSS is offered with MGF1 over the same hash and a salt as long as the digest");
    const auto digest = Digest::create(context.scheme.hash, value);
    if (!digest) return refuse("digest length does not fit its algorithm");
    return deliver(context, context.key->sign(context.scheme, *digest), out, size, room);
}

int sign(void* data, unsigned char* out, std::size_t* size, std::size_t room, const unsigned char* digest,
         std::size_t digest_octets) {
    return guarded(0, [&] {
        SignatureContext& context = context_of(data);
        if (out == nullptr) {
            *size = context.max_size;
            return 1;
        }
        return sign_digest(context, out, size, room, {digest, digest_octets});
    });
}

int digest_sign_init(void* data, const char* name, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        SignatureContext& context = context_of(data);
        context.hashing.reset();
        if (!adopt_key(context, key)) return 0;
        EvpMd md;
        const auto hash = named_hash(context, name != nullptr && *name != '\0' ? name : "SHA256", &md);
        if (!hash) return 0;
        context.scheme.hash = *hash;
        EvpMdContext hashing(EVP_MD_CTX_new());
        if (hashing == nullptr || EVP_DigestInit_ex2(hashing.get(), md.get(), nullptr) != 1) return 0;
        context.hashing = std::move(hashing);
        return set_parameters(data, params);
    });
}

int digest_sign_update(void* data, const unsigned char* bytes, std::size_t size) {
    SignatureContext& context = context_of(data);
    return context.hashing != nullptr ? EVP_DigestUpdate(context.hashing.get(), bytes, size) : 0;
}

int digest_sign_final(void* data, unsigned char* out, std::size_t* size, std::size_t room) {
    return guarded(0, [&] {
        SignatureContext& context = context_of(data);
        if (out == nullptr) {
            *size = context.max_size;
            return 1;
        }
        std::array<std::uint8_t, EVP_MAX_MD_SIZE> value{};
        unsigned length = 0;
        if (context.hashing == nullptr || EVP_DigestFinal_ex(context.hashing.get(), value.data(), &length) != 1)
            return 0;
        context.hashing.reset();
        return sign_digest(context, out, size, room, {value.data(), length});
    });
}

int message_sign_init(void* data, const char* name, void* key, const OSSL_PARAM[]) {
    return guarded(0, [&] {
        if (name != nullptr && *name != '\0') return refuse("Ed25519 signs the message itself: no digest");
        return adopt_key(context_of(data), key) ? 1 : 0;
    });
}

int message_sign(void* data, unsigned char* out, std::size_t* size, std::size_t room, const unsigned char* message,
                 std::size_t message_octets) {
    return guarded(0, [&] {
        SignatureContext& context = context_of(data);
        if (out == nullptr) {
            *size = context.max_size;
            return 1;
        }
        return deliver(context, context.key->sign_message({message, message_octets}), out, size, room);
    });
}

using AnyFunction = void (*)();

template <KeyKind kKind>
const OSSL_DISPATCH kDigestSigner[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, reinterpret_cast<AnyFunction>(new_context<kKind>)},
    {OSSL_FUNC_SIGNATURE_FREECTX, reinterpret_cast<AnyFunction>(free_context)},
    {OSSL_FUNC_SIGNATURE_DUPCTX, reinterpret_cast<AnyFunction>(duplicate)},
    {OSSL_FUNC_SIGNATURE_SIGN_INIT, reinterpret_cast<AnyFunction>(sign_init)},
    {OSSL_FUNC_SIGNATURE_SIGN, reinterpret_cast<AnyFunction>(sign)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, reinterpret_cast<AnyFunction>(digest_sign_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, reinterpret_cast<AnyFunction>(digest_sign_update)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, reinterpret_cast<AnyFunction>(digest_sign_final)},
    {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, reinterpret_cast<AnyFunction>(get_parameters)},
    {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, reinterpret_cast<AnyFunction>(gettable_parameters)},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, reinterpret_cast<AnyFunction>(set_parameters)},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, reinterpret_cast<AnyFunction>(settable_parameters)},
    {0, nullptr}};

const OSSL_DISPATCH kMessageSigner[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, reinterpret_cast<AnyFunction>(new_context<KeyKind::kEd25519>)},
    {OSSL_FUNC_SIGNATURE_FREECTX, reinterpret_cast<AnyFunction>(free_context)},
    {OSSL_FUNC_SIGNATURE_DUPCTX, reinterpret_cast<AnyFunction>(duplicate)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, reinterpret_cast<AnyFunction>(message_sign_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, reinterpret_cast<AnyFunction>(message_sign)},
    {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, reinterpret_cast<AnyFunction>(get_parameters)},
    {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, reinterpret_cast<AnyFunction>(gettable_parameters)},
    {0, nullptr}};

}  // namespace

const OSSL_ALGORITHM kSignatureAlgorithms[] = {
    {"SIGILLO-ECDSA", kHsmProviderQuery, kDigestSigner<KeyKind::kEc>, "ECDSA in an HSM"},
    {"SIGILLO-RSA", kHsmProviderQuery, kDigestSigner<KeyKind::kRsa>, "RSA signatures in an HSM"},
    {"SIGILLO-ED25519", kHsmProviderQuery, kMessageSigner, "Ed25519 in an HSM"},
    {nullptr, nullptr, nullptr, nullptr}};

}  // namespace sigillo
