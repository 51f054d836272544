#include "keystore/pkcs11/wrapping.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "keystore/pkcs11/attributes.h"
#include "keystore/pkcs11/ck_rv.h"

namespace sigillo::pkcs11 {
namespace {

// In the order of preference.
constexpr std::array<WrappingScheme, 2> kSchemes{
    {{"CKM_AES_KEY_WRAP_KWP", kCkmAesKeyWrapKwp}, {"CKM_AES_KEY_WRAP_PAD", CKM_AES_KEY_WRAP_PAD}}};

// RFC 5649 by libcrypto; nullopt when the blob does not unwrap.
std::optional<Bytes> unwrap_by_libcrypto(const SecretBytes& kek, ByteView blob) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                  &EVP_CIPHER_CTX_free);
    if (!context) return std::nullopt;
    EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    Bytes out(blob.size() + 16);
    int size = 0;
    const bool good =
        EVP_DecryptInit_ex(context.get(), EVP_aes_256_wrap_pad(), nullptr, kek.expose().data(), nullptr) ==
            1 &&
        EVP_DecryptUpdate(context.get(), out.data(), &size, blob.data(), static_cast<int>(blob.size())) == 1;
    ERR_clear_error();
    if (!good || size < 0) return std::nullopt;
    out.resize(static_cast<std::size_t>(size));
    return out;
}

Result<Bytes> wrap_secret(const Module& module, CK_SESSION_HANDLE session, const WrappingScheme& scheme,
                          CK_OBJECT_HANDLE kek, ByteView secret) {
    Template known;
    known.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_GENERIC_SECRET).flag(CKA_TOKEN, false);
    known.flag(CKA_EXTRACTABLE, true).flag(CKA_SENSITIVE, false).bytes(CKA_VALUE, secret);
    ScopedObject key(module, session);
    if (const CK_RV rv = module->C_CreateObject(session, known.data(), known.size(), key.out()); rv != CKR_OK)
        return std::unexpected(error_before(rv, "C_CreateObject"));
    CK_MECHANISM mechanism{scheme.mechanism, nullptr, 0};
    Bytes blob(secret.size() + 32);
    CK_ULONG size = blob.size();
    if (const CK_RV rv = module->C_WrapKey(session, &mechanism, kek, key.get(), blob.data(), &size);
        rv != CKR_OK)
        return std::unexpected(error_before(rv, "C_WrapKey"));
    blob.resize(size);
    return blob;
}

}  // namespace

const WrappingScheme* wrapping_scheme(std::string_view name) {
    const auto at = std::ranges::find(kSchemes, name, &WrappingScheme::name);
    return at == kSchemes.end() ? nullptr : &*at;
}

const WrappingScheme* wrapping_scheme(CK_MECHANISM_TYPE mechanism) {
    const auto at = std::ranges::find(kSchemes, mechanism, &WrappingScheme::mechanism);
    return at == kSchemes.end() ? nullptr : &*at;
}

Result<WrappingScheme> choose_wrapping_scheme(const std::set<CK_MECHANISM_TYPE>& offered) {
    for (const WrappingScheme& scheme : kSchemes)
        if (offered.contains(scheme.mechanism)) return scheme;
    return fail(Errc::kUnsupported, "the token offers neither CKM_AES_KEY_WRAP_KWP nor CKM_AES_KEY_WRAP_PAD");
}

Result<KnownAnswer> try_known_answer(const Module& module, CK_SESSION_HANDLE session,
                                     const WrappingScheme& scheme, Random& random) {
    const SecretBytes kek = random.secret(32);
    Template known;
    known.number(CKA_CLASS, CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).flag(CKA_TOKEN, false);
    known.flag(CKA_WRAP, true).bytes(CKA_VALUE, kek.expose());
    ScopedObject key(module, session);
    const CK_RV rv = module->C_CreateObject(session, known.data(), known.size(), key.out());
    if (trouble_of(rv) == Trouble::kRefused)
        return KnownAnswer::kNotPermitted;  // e.g. FIPS mode takes no plain keys
    if (rv != CKR_OK) return std::unexpected(error_before(rv, "C_CreateObject"));

    const std::string name(scheme.name);
    const Bytes whole = random.bytes(32);
    SIGILLO_ASSIGN(const Bytes blob, wrap_secret(module, session, scheme, key.get(), whole));
    if (unwrap_by_libcrypto(kek, blob) != whole)
        return fail(Errc::kCorrupt,
                    "the token's " + name + " is not RFC 5649: its keys could not be moved to another HSM");

    // PKCS #8 is seldom a multiple of 8 bytes. Zeros behind it are harmless: DER knows its own length.
    const Bytes odd = random.bytes(20);
    SIGILLO_ASSIGN(const Bytes odd_blob, wrap_secret(module, session, scheme, key.get(), odd));
    const auto plain = unwrap_by_libcrypto(kek, odd_blob);
    if (plain == odd) return KnownAnswer::kHeld;
    Bytes padded = odd;
    padded.resize(24, 0);
    if (plain == padded) return KnownAnswer::kHeldAligned;
    return fail(Errc::kCorrupt,
                "the token's " + name + " is not RFC 5649 for lengths that are no multiple of 8");
}

}  // namespace sigillo::pkcs11
