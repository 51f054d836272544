#include "keystore/openssl/hsm_provider.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include <array>
#include <optional>
#include <utility>

#include "keystore/openssl/provider_internal.h"

namespace sigillo {
namespace {

// The error of the last SigningKey call that failed inside a libcrypto call of this thread: libcrypto itself
// can only carry a number and a text.
thread_local std::optional<Error> signing_error;

void teardown(void* context) {
    delete static_cast<ProviderContext*>(context);
}

const OSSL_ALGORITHM* query_operation(void*, int operation, int* no_cache) {
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT) return kKeyManagementAlgorithms;
    if (operation == OSSL_OP_SIGNATURE) return kSignatureAlgorithms;
    return nullptr;
}

const OSSL_PARAM* gettable_params(void*) {
    static const OSSL_PARAM kParams[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, nullptr, 0),
                                         OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, nullptr), OSSL_PARAM_END};
    return kParams;
}

int get_params(void*, OSSL_PARAM* params) {
    OSSL_PARAM* name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);
    if (name != nullptr && OSSL_PARAM_set_utf8_ptr(name, "Sigillo HSM keys") != 1) return 0;
    OSSL_PARAM* status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
    return status == nullptr || OSSL_PARAM_set_int(status, 1) == 1 ? 1 : 0;
}

const OSSL_DISPATCH kProviderFunctions[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, reinterpret_cast<void (*)()>(teardown)},
    {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, reinterpret_cast<void (*)()>(gettable_params)},
    {OSSL_FUNC_PROVIDER_GET_PARAMS, reinterpret_cast<void (*)()>(get_params)},
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(query_operation)},
    {0, nullptr}};

int initialise(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
               void** provider_context) {
    return guarded(0, [&] {
        OSSL_FUNC_core_get_libctx_fn* get_library = nullptr;
        for (; in->function_id != 0; ++in)
            if (in->function_id == OSSL_FUNC_CORE_GET_LIBCTX) get_library = OSSL_FUNC_core_get_libctx(in);
        if (get_library == nullptr) return 0;
        auto context = std::make_unique<ProviderContext>();
        // A built-in provider shares libcrypto with the application: its core context is the application's.
        context->library = reinterpret_cast<OSSL_LIB_CTX*>(get_library(handle));
        *provider_context = context.release();
        *out = kProviderFunctions;
        return 1;
    });
}

}  // namespace

KeyKind kind_of(KeyAlgorithm algorithm) {
    if (is_rsa(algorithm)) return KeyKind::kRsa;
    return is_ec(algorithm) ? KeyKind::kEc : KeyKind::kEd25519;
}

const char* kind_name(KeyKind kind) {
    switch (kind) {
        case KeyKind::kEc:
            return "EC";
        case KeyKind::kRsa:
            return "RSA";
        case KeyKind::kEd25519:
            return "ED25519";
    }
    return "";
}

const char* kind_signature_name(KeyKind kind) {
    switch (kind) {
        case KeyKind::kEc:
            return "SIGILLO-ECDSA";
        case KeyKind::kRsa:
            return "SIGILLO-RSA";
        case KeyKind::kEd25519:
            return "SIGILLO-ED25519";
    }
    return "";
}

void record_signing_error(Error error) noexcept {
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "%s", error.detail.c_str());
    signing_error = std::move(error);
}

Result<std::unique_ptr<HsmProvider>> HsmProvider::create() {
    std::unique_ptr<HsmProvider> provider(new HsmProvider);
    provider->context_ = OSSL_LIB_CTX_new();
    if (provider->context_ == nullptr) return fail(Errc::kInternal, "OSSL_LIB_CTX_new failed");
    provider->default_ = OSSL_PROVIDER_load(provider->context_, "default");
    if (provider->default_ == nullptr)
        return fail(Errc::kInternal,
                    "libcrypto's default provider cannot be loaded: " + take_libcrypto_reason());
    if (OSSL_PROVIDER_add_builtin(provider->context_, kHsmProviderName, initialise) != 1)
        return fail(Errc::kInternal, "the HSM provider cannot be registered: " + take_libcrypto_reason());
    provider->hsm_ = OSSL_PROVIDER_load(provider->context_, kHsmProviderName);
    if (provider->hsm_ == nullptr)
        return fail(Errc::kInternal, "the HSM provider cannot be loaded: " + take_libcrypto_reason());
    // Both providers offer "EC" and "RSA" keys: whoever does not ask for ours by name gets libcrypto's.
    if (EVP_set_default_properties(provider->context_, "?provider=default") != 1)
        return fail(Errc::kInternal, "libcrypto refused the default properties: " + take_libcrypto_reason());
    return provider;
}

HsmProvider::~HsmProvider() {
    if (hsm_ != nullptr) OSSL_PROVIDER_unload(hsm_);
    if (default_ != nullptr) OSSL_PROVIDER_unload(default_);
    OSSL_LIB_CTX_free(context_);
}

Result<EvpKey> HsmProvider::wrap(std::shared_ptr<SigningKey> key) const {
    if (key == nullptr) return fail(Errc::kInvalidArgument, "no key to wrap");
    const KeyKind kind = kind_of(key->public_key().algorithm);
    EVP_PKEY* made = nullptr;
    const Status done = call_libcrypto("wrapping an HSM key", [&] {
        const EvpKeyContext context(EVP_PKEY_CTX_new_from_name(context_, kind_name(kind), kHsmProviderQuery));
        const std::shared_ptr<SigningKey>* address = &key;
        std::array<OSSL_PARAM, 2> params{
            OSSL_PARAM_construct_octet_string(kSigningKeyParameter, static_cast<void*>(&address),
                                              sizeof address),
            OSSL_PARAM_construct_end()};
        return context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
               EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params.data()) == 1;
    });
    EvpKey wrapped(made);
    SIGILLO_TRY(done);
    if (EVP_PKEY_get0_provider(wrapped.get()) != hsm_)
        return fail(Errc::kInternal, "libcrypto made the key with another provider");
    return wrapped;
}

Status call_libcrypto(std::string_view what, const std::function<bool()>& call) {
    signing_error.reset();
    ERR_clear_error();
    const bool done = call();
    std::optional<Error> cause = std::exchange(signing_error, std::nullopt);
    const std::string reason = take_libcrypto_reason();
    if (done) return {};
    if (cause) {
        cause->detail = std::string(what) + ": " + cause->detail;
        return std::unexpected(*std::move(cause));
    }
    return fail(Errc::kInternal, std::string(what) + ": " + reason);
}

std::string take_libcrypto_reason() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return "libcrypto gave no reason";
    const char* library = ERR_lib_error_string(code);
    const char* reason = ERR_reason_error_string(code);
    return std::string(library != nullptr ? library : "libcrypto") + "::" +
           (reason != nullptr ? std::string(reason) : "reason " + std::to_string(ERR_GET_REASON(code)));
}

}  // namespace sigillo
