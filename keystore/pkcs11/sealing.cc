// Pkcs11KeyStore: AES-256-GCM under the token's sealing key (NIST SP 800-38D; PKCS#11 v2.40 §2.12.3).
#include <algorithm>

#include "keystore/pkcs11/pkcs11_key_store_impl.h"

namespace sigillo {

using pkcs11::CallKind;
using pkcs11::input_bytes;
using pkcs11::Outcome;
using pkcs11::RoleObject;
using pkcs11::Where;

namespace {

constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;

CK_GCM_PARAMS gcm_params(ByteView nonce, ByteView associated_data) {
    CK_GCM_PARAMS params{};
    params.pIv = input_bytes(nonce);
    params.ulIvLen = nonce.size();
    params.ulIvBits = nonce.size() * 8;
    params.pAAD = input_bytes(associated_data);
    params.ulAADLen = associated_data.size();
    params.ulTagBits = kTagSize * 8;
    return params;
}

std::unexpected<Error> does_not_hold(std::int64_t native) {
    return fail(Errc::kCorrupt, "sealed data: the tag does not hold for these bytes and this associated data",
                {}, native);
}

}  // namespace

Result<Bytes> Pkcs11KeyStore::Impl::seal(ByteView plaintext, ByteView associated_data) {
    Bytes sealed(kNonceSize + plaintext.size() + kTagSize);
    SIGILLO_TRY(connection_->run(
        Where::kPool, CallKind::kShort, [&](CK_SESSION_HANDLE session, std::uint64_t generation) {
            const auto key = role_handle(RoleObject::kSealing, generation);
            if (!key) return Outcome::wrong(pkcs11::handles_changed());
            // A fresh nonce for a second attempt, too: one nonce must never serve twice. Random ones are good
            // for
            // 2^32 seals under one key (NIST SP 800-38D §8.3).
            random_.fill({sealed.data(), kNonceSize});
            CK_GCM_PARAMS params = gcm_params(ByteView(sealed).first(kNonceSize), associated_data);
            CK_MECHANISM mechanism{CKM_AES_GCM, &params, sizeof params};
            const pkcs11::Module& module = connection_->module();
            CK_RV rv = module->C_EncryptInit(session, &mechanism, *key);
            if (rv != CKR_OK) return Outcome::before(rv, "C_EncryptInit");
            CK_ULONG size = sealed.size() - kNonceSize;
            rv = module->C_Encrypt(session, input_bytes(plaintext), plaintext.size(),
                                   sealed.data() + kNonceSize, &size);
            if (rv == CKR_OK && size != sealed.size() - kNonceSize)
                return Outcome::wrong({Errc::kHsmFailed, "C_Encrypt answered CKR_OK with a wrong length"});
            return Outcome::after(rv, "C_Encrypt");
        }));
    return sealed;
}

Result<SecretBytes> Pkcs11KeyStore::Impl::open(ByteView sealed, ByteView associated_data) {
    if (sealed.size() < kNonceSize + kTagSize) return does_not_hold(0);
    auto plain = open_once(sealed, associated_data);
    if (plain) return plain;
    if (pkcs11::blames_data(plain.error())) return does_not_hold(plain.error().native);
    if (!pkcs11::blames_data_or_device(plain.error()) || !control_) return plain;

    // As in unwrap(): once more, then the control decides whether data or HSM are bad.
    auto again = open_once(sealed, associated_data);
    if (again) return again;
    if (pkcs11::blames_data(again.error())) return does_not_hold(again.error().native);
    if (!pkcs11::blames_data_or_device(again.error())) return again;
    if (open_once(control_->sealed, {})) return does_not_hold(again.error().native);
    return again;
}

Result<SecretBytes> Pkcs11KeyStore::Impl::open_once(ByteView sealed, ByteView associated_data) {
    const ByteView nonce = sealed.first(kNonceSize);
    const ByteView ciphertext = sealed.subspan(kNonceSize);
    // As long as the ciphertext: some modules want room for the tag before they look.
    SecretBytes buffer(ciphertext.size());
    const std::size_t expected = ciphertext.size() - kTagSize;
    SIGILLO_TRY(connection_->run(
        Where::kPool, CallKind::kShort, [&](CK_SESSION_HANDLE session, std::uint64_t generation) {
            const auto key = role_handle(RoleObject::kSealing, generation);
            if (!key) return Outcome::wrong(pkcs11::handles_changed());
            CK_GCM_PARAMS params = gcm_params(nonce, associated_data);
            CK_MECHANISM mechanism{CKM_AES_GCM, &params, sizeof params};
            const pkcs11::Module& module = connection_->module();
            CK_RV rv = module->C_DecryptInit(session, &mechanism, *key);
            if (rv != CKR_OK) return Outcome::before(rv, "C_DecryptInit");
            CK_ULONG size = buffer.size();
            rv = module->C_Decrypt(session, input_bytes(ciphertext), ciphertext.size(),
                                   buffer.expose_mutable().data(), &size);
            if (rv == CKR_OK && size != expected)
                return Outcome::wrong({Errc::kHsmFailed, "C_Decrypt answered CKR_OK with a wrong length"});
            return Outcome::after(rv, "C_Decrypt");
        }));
    return SecretBytes::copy_of(buffer.expose().first(expected));
}

}  // namespace sigillo
