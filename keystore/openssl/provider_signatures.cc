// SIGNATURE: hashes with the default provider, then asks the SigningKey.
#include <algorithm>
#include <array>

#include "keystore/openssl/provider_signatures.h"

namespace sigillo {
namespace {

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

void free_context(void* data) {
    delete static_cast<SignatureContext*>(data);
}

void* duplicate(void* data) {
    return guarded<void*>(nullptr, [&]() -> void* {
        const SignatureContext& from = signature_context_of(data);
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
            if (context->hashing == nullptr ||
                EVP_MD_CTX_copy_ex(context->hashing.get(), from.hashing.get()) != 1)
                return nullptr;
        }
        return context.release();
    });
}

bool adopt_key(SignatureContext& context, void* key) {
    if (key == nullptr) return context.key != nullptr;  // initialised again for the key that it has
    const auto* provided = static_cast<const ProviderKey*>(key);
    if (provided->signing == nullptr) {
        refuse_signature("the key has no private half");
        return false;
    }
    context.key = provided->signing;
    context.max_size = static_cast<std::size_t>(EVP_PKEY_get_size(provided->public_half.get()));
    return true;
}

int sign_init(void* data, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        SignatureContext& context = signature_context_of(data);
        context.hashing.reset();
        return adopt_key(context, key) ? set_signature_parameters(data, params) : 0;
    });
}

int deliver(const SignatureContext& context, const Result<Bytes>& signature, unsigned char* out,
            std::size_t* size, std::size_t room) {
    if (!signature) {
        record_signing_error(signature.error());
        return 0;
    }
    if (signature->empty() || signature->size() > room || signature->size() > context.max_size) {
        record_signing_error(
            Error{Errc::kHsmFailed, "the HSM's signature is longer than its key allows", {}, 0});
        return 0;
    }
    std::copy(signature->begin(), signature->end(), out);
    *size = signature->size();
    return 1;
}

int sign_digest(SignatureContext& context, unsigned char* out, std::size_t* size, std::size_t room,
                ByteView value) {
    const int digest_octets = static_cast<int>(digest_size(context.scheme.hash));
    if (context.scheme.padding == SignaturePadding::kPss &&
        (context.mgf1.value_or(context.scheme.hash) != context.scheme.hash ||
         context.salt.value_or(digest_octets) != digest_octets))
        return refuse_signature(
            "PSS is offered with MGF1 over the same hash and a salt as long as the digest");
    const auto digest = Digest::create(context.scheme.hash, value);
    if (!digest) return refuse_signature("digest length does not fit its algorithm");
    return deliver(context, context.key->sign(context.scheme, *digest), out, size, room);
}

int sign(void* data, unsigned char* out, std::size_t* size, std::size_t room, const unsigned char* digest,
         std::size_t digest_octets) {
    return guarded(0, [&] {
        SignatureContext& context = signature_context_of(data);
        if (out == nullptr) {
            *size = context.max_size;
            return 1;
        }
        return sign_digest(context, out, size, room, {digest, digest_octets});
    });
}

int digest_sign_init(void* data, const char* name, void* key, const OSSL_PARAM params[]) {
    return guarded(0, [&] {
        SignatureContext& context = signature_context_of(data);
        context.hashing.reset();
        if (!adopt_key(context, key)) return 0;
        EvpMd md;
        const auto hash = named_hash(context, name != nullptr && *name != '\0' ? name : "SHA256", &md);
        if (!hash) return 0;
        context.scheme.hash = *hash;
        EvpMdContext hashing(EVP_MD_CTX_new());
        if (hashing == nullptr || EVP_DigestInit_ex2(hashing.get(), md.get(), nullptr) != 1) return 0;
        context.hashing = std::move(hashing);
        return set_signature_parameters(data, params);
    });
}

int digest_sign_update(void* data, const unsigned char* bytes, std::size_t size) {
    SignatureContext& context = signature_context_of(data);
    return context.hashing != nullptr ? EVP_DigestUpdate(context.hashing.get(), bytes, size) : 0;
}

int digest_sign_final(void* data, unsigned char* out, std::size_t* size, std::size_t room) {
    return guarded(0, [&] {
        SignatureContext& context = signature_context_of(data);
        if (out == nullptr) {
            *size = context.max_size;
            return 1;
        }
        std::array<std::uint8_t, EVP_MAX_MD_SIZE> value{};
        unsigned length = 0;
        if (context.hashing == nullptr ||
            EVP_DigestFinal_ex(context.hashing.get(), value.data(), &length) != 1)
            return 0;
        context.hashing.reset();
        return sign_digest(context, out, size, room, {value.data(), length});
    });
}

int message_sign_init(void* data, const char* name, void* key, const OSSL_PARAM[]) {
    return guarded(0, [&] {
        if (name != nullptr && *name != '\0')
            return refuse_signature("Ed25519 signs the message itself: no digest");
        return adopt_key(signature_context_of(data), key) ? 1 : 0;
    });
}

int message_sign(void* data, unsigned char* out, std::size_t* size, std::size_t room,
                 const unsigned char* message, std::size_t message_octets) {
    return guarded(0, [&] {
        SignatureContext& context = signature_context_of(data);
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
    {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, reinterpret_cast<AnyFunction>(get_signature_parameters)},
    {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, reinterpret_cast<AnyFunction>(gettable_signature_parameters)},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, reinterpret_cast<AnyFunction>(set_signature_parameters)},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, reinterpret_cast<AnyFunction>(settable_signature_parameters)},
    {0, nullptr}};

const OSSL_DISPATCH kMessageSigner[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, reinterpret_cast<AnyFunction>(new_context<KeyKind::kEd25519>)},
    {OSSL_FUNC_SIGNATURE_FREECTX, reinterpret_cast<AnyFunction>(free_context)},
    {OSSL_FUNC_SIGNATURE_DUPCTX, reinterpret_cast<AnyFunction>(duplicate)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, reinterpret_cast<AnyFunction>(message_sign_init)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, reinterpret_cast<AnyFunction>(message_sign)},
    {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, reinterpret_cast<AnyFunction>(get_signature_parameters)},
    {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, reinterpret_cast<AnyFunction>(gettable_signature_parameters)},
    {0, nullptr}};

}  // namespace

const OSSL_ALGORITHM kSignatureAlgorithms[] = {
    {"SIGILLO-ECDSA", kHsmProviderQuery, kDigestSigner<KeyKind::kEc>, "ECDSA in an HSM"},
    {"SIGILLO-RSA", kHsmProviderQuery, kDigestSigner<KeyKind::kRsa>, "RSA signatures in an HSM"},
    {"SIGILLO-ED25519", kHsmProviderQuery, kMessageSigner, "Ed25519 in an HSM"},
    {nullptr, nullptr, nullptr, nullptr}};

}  // namespace sigillo
