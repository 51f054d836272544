// KEYMGMT: the keys themselves. Everything public is answered by an ordinary key of the default provider.
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include <cstring>

#include "keystore/openssl/provider_internal.h"

namespace sigillo {
namespace {

ProviderKey& key_of(void* data) {
    return *static_cast<ProviderKey*>(data);
}
const ProviderKey& key_of(const void* data) {
    return *static_cast<const ProviderKey*>(data);
}

template <KeyKind kKind>
void* new_key(void* provider) {
    return guarded<void*>(nullptr, [&] {
        auto key = std::make_unique<ProviderKey>();
        key->provider = static_cast<const ProviderContext*>(provider);
        key->kind = kKind;
        return key.release();
    });
}

void free_key(void* data) {
    delete static_cast<ProviderKey*>(data);
}

void* duplicate(const void* data, int) {
    return guarded<void*>(nullptr, [&]() -> void* {
        const ProviderKey& from = key_of(data);
        auto key = std::make_unique<ProviderKey>();
        key->provider = from.provider;
        key->kind = from.kind;
        if (from.public_half != nullptr && EVP_PKEY_up_ref(from.public_half.get()) == 1)
            key->public_half.reset(from.public_half.get());
        key->signing = from.signing;
        return key.release();
    });
}

int has(const void* data, int selection) {
    const ProviderKey& key = key_of(data);
    if (key.public_half == nullptr) return 0;
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key.signing != nullptr ? 1 : 0;
}

int match(const void* left, const void* right, int selection) {
    const EVP_PKEY* a = key_of(left).public_half.get();
    const EVP_PKEY* b = key_of(right).public_half.get();
    if (a == nullptr || b == nullptr) return 0;
    return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0 ? EVP_PKEY_eq(a, b) == 1
                                                          : EVP_PKEY_parameters_eq(a, b) == 1;
}

bool import_signing_key(ProviderKey& key, const OSSL_PARAM& parameter) {
    const std::shared_ptr<SigningKey>* address = nullptr;
    if (parameter.data_type != OSSL_PARAM_OCTET_STRING || parameter.data_size != sizeof address) return false;
    std::memcpy(&address, parameter.data, sizeof address);
    const Bytes& spki = (*address)->public_key().spki;
    const unsigned char* cursor = spki.data();
    EvpKey parsed(
        d2i_PUBKEY_ex(nullptr, &cursor, static_cast<long>(spki.size()), key.provider->library, nullptr));
    if (parsed == nullptr || cursor != spki.data() + spki.size() ||
        EVP_PKEY_is_a(parsed.get(), kind_name(key.kind)) != 1 ||
        (key.kind != KeyKind::kEd25519 &&
         EVP_PKEY_get_bits(parsed.get()) != static_cast<int>(key_bits((*address)->public_key().algorithm)))) {
        record_signing_error(Error{Errc::kInvalidArgument, "public key does not fit its algorithm", {}, 0});
        return false;
    }
    key.public_half = std::move(parsed);
    key.signing = *address;
    return true;
}

// A key of another provider comes here to be compared (X509_check_private_key): its public half is enough,
// and a private half is not taken.
bool import_public_half(ProviderKey& key, const OSSL_PARAM* params) {
    const EvpKeyContext context(
        EVP_PKEY_CTX_new_from_name(key.provider->library, kind_name(key.kind), "provider=default"));
    EVP_PKEY* made = nullptr;
    if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(params)) != 1) {
        EVP_PKEY_free(made);
        return false;
    }
    key.public_half.reset(made);
    return true;
}

int import_key(void* data, int, const OSSL_PARAM* params) {
    return guarded(0, [&] {
        ProviderKey& key = key_of(data);
        const OSSL_PARAM* handed = OSSL_PARAM_locate_const(params, kSigningKeyParameter);
        return (handed != nullptr ? import_signing_key(key, *handed) : import_public_half(key, params)) ? 1
                                                                                                        : 0;
    });
}

const OSSL_PARAM* import_types(int) {
    static const OSSL_PARAM kTypes[] = {OSSL_PARAM_octet_string(kSigningKeyParameter, nullptr, 0),
                                        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
                                        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
                                        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
                                        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
                                        OSSL_PARAM_END};
    return kTypes;
}

// Answers for the public half only. Were a whole key exported, libcrypto would take the copy for the key and
// look for the private half in it.
int export_key(void* data, int selection, OSSL_CALLBACK* callback, void* argument) {
    const ProviderKey& key = key_of(data);
    if (key.public_half == nullptr || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) return 0;
    return EVP_PKEY_export(key.public_half.get(), selection, callback, argument);
}

const OSSL_PARAM* export_types(int selection) {
    static const OSSL_PARAM kNone[] = {OSSL_PARAM_END};
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? kNone : import_types(selection) + 1;
}

int get_params(void* data, OSSL_PARAM* params) {
    const ProviderKey& key = key_of(data);
    return key.public_half != nullptr ? EVP_PKEY_get_params(key.public_half.get(), params) : 0;
}

const OSSL_PARAM* gettable_params(void*) {
    static const OSSL_PARAM kParams[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
        OSSL_PARAM_END};
    return kParams;
}

template <KeyKind kKind>
const char* operation_name(int operation) {
    return operation == OSSL_OP_SIGNATURE ? kind_signature_name(kKind) : kind_name(kKind);
}

using AnyFunction = void (*)();

template <KeyKind kKind>
const OSSL_DISPATCH kKeyFunctions[] = {
    {OSSL_FUNC_KEYMGMT_NEW, reinterpret_cast<AnyFunction>(new_key<kKind>)},
    {OSSL_FUNC_KEYMGMT_FREE, reinterpret_cast<AnyFunction>(free_key)},
    {OSSL_FUNC_KEYMGMT_DUP, reinterpret_cast<AnyFunction>(duplicate)},
    {OSSL_FUNC_KEYMGMT_HAS, reinterpret_cast<AnyFunction>(has)},
    {OSSL_FUNC_KEYMGMT_MATCH, reinterpret_cast<AnyFunction>(match)},
    {OSSL_FUNC_KEYMGMT_IMPORT, reinterpret_cast<AnyFunction>(import_key)},
    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, reinterpret_cast<AnyFunction>(import_types)},
    {OSSL_FUNC_KEYMGMT_EXPORT, reinterpret_cast<AnyFunction>(export_key)},
    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, reinterpret_cast<AnyFunction>(export_types)},
    {OSSL_FUNC_KEYMGMT_GET_PARAMS, reinterpret_cast<AnyFunction>(get_params)},
    {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, reinterpret_cast<AnyFunction>(gettable_params)},
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, reinterpret_cast<AnyFunction>(operation_name<kKind>)},
    {0, nullptr}};

}  // namespace

const OSSL_ALGORITHM kKeyManagementAlgorithms[] = {
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", kHsmProviderQuery, kKeyFunctions<KeyKind::kEc>,
     "EC key in an HSM"},
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", kHsmProviderQuery, kKeyFunctions<KeyKind::kRsa>,
     "RSA key in an HSM"},
    {"ED25519:1.3.101.112", kHsmProviderQuery, kKeyFunctions<KeyKind::kEd25519>, "Ed25519 key in an HSM"},
    {nullptr, nullptr, nullptr, nullptr}};

}  // namespace sigillo
