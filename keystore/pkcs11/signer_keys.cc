// Pkcs11KeyStore: signers' keys, which live outside the token, wrapped.
#include <algorithm>
#include <array>

#include "keystore/pkcs11/der.h"
#include "keystore/pkcs11/pkcs11_key_store_impl.h"

namespace sigillo {

using pkcs11::CallKind;
using pkcs11::input_bytes;
using pkcs11::Outcome;
using pkcs11::RoleObject;
using pkcs11::ScopedObject;
using pkcs11::Template;
using pkcs11::Where;

namespace {

// RSA-4096 in PKCS #8 is 2,375 bytes.
constexpr std::size_t kLongestBlob = 4096;

class SessionKey final : public pkcs11::TokenKey {
 public:
    SessionKey(std::shared_ptr<Pkcs11KeyStore::Impl> store, CK_OBJECT_HANDLE object, std::uint64_t generation,
               PublicKey key)
        : TokenKey(std::move(key)), store_(std::move(store)), object_(object), generation_(generation) {}
    ~SessionKey() override { store_->connection().destroy(object_, generation_); }

 private:
    pkcs11::TokenConnection& connection() override { return store_->connection(); }
    std::optional<CK_OBJECT_HANDLE> handle(std::uint64_t generation) override {
        if (generation != generation_) return std::nullopt;
        return object_;
    }
    const std::shared_ptr<Pkcs11KeyStore::Impl> store_;
    const CK_OBJECT_HANDLE object_;
    const std::uint64_t generation_;
};

std::unexpected<Error> not_this_key(std::string why, std::int64_t native = 0) {
    return fail(Errc::kCorrupt, "the wrapped key does not belong to its public key: " + std::move(why), {},
                native);
}

// The public half of a generated pair, from the public object's attributes.
Result<PublicKey> read_public_key(const pkcs11::Module& module, CK_SESSION_HANDLE session,
                                  CK_OBJECT_HANDLE object, KeyAlgorithm algorithm) {
    const auto first_type = is_rsa(algorithm) ? CKA_MODULUS : CKA_EC_POINT;
    SIGILLO_ASSIGN(const auto first, pkcs11::read_attribute(module, session, object, first_type));
    if (!first) return fail(Errc::kHsmFailed, "the generated public key lacks its value");
    if (!is_rsa(algorithm)) return pkcs11::ec_public_key(algorithm, *first);
    SIGILLO_ASSIGN(const auto exponent, pkcs11::read_attribute(module, session, object, CKA_PUBLIC_EXPONENT));
    if (!exponent) return fail(Errc::kHsmFailed, "the generated public key lacks its exponent");
    return pkcs11::rsa_public_key(algorithm, *first, *exponent);
}

Outcome failed_reading(Error error) {
    // A CK_RV decides about the session; without one, the attributes made no sense.
    if (error.native != 0) return Outcome::before(static_cast<CK_RV>(error.native), "C_GetAttributeValue");
    return Outcome::wrong(std::move(error));
}

Outcome generate_and_wrap(const pkcs11::Module& module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE kek,
                          CK_MECHANISM_TYPE scheme, KeyAlgorithm algorithm, GeneratedKey& out) {
    Template public_template, private_template;
    pkcs11::add_generated_public_key(public_template, algorithm);
    pkcs11::add_generated_private_key(private_template);
    CK_MECHANISM generation{is_rsa(algorithm) ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    ScopedObject public_key(module, session), private_key(module, session);
    CK_RV rv = module->C_GenerateKeyPair(session, &generation, public_template.data(), public_template.size(),
                                         private_template.data(), private_template.size(), public_key.out(),
                                         private_key.out());
    if (rv != CKR_OK) return Outcome::after(rv, "C_GenerateKeyPair");

    auto key = read_public_key(module, session, public_key.get(), algorithm);
    CK_MECHANISM wrapping{scheme, nullptr, 0};
    Bytes blob(kLongestBlob);
    CK_ULONG size = blob.size();
    rv = module->C_WrapKey(session, &wrapping, kek, private_key.get(), blob.data(), &size);

    // An EXTRACTABLE key must not outlive this function. If the token will not destroy it, the outcome makes
    // the caller close the session, which does (PKCS#11 v2.40 §2.4).
    const CK_RV private_gone = private_key.destroy();
    const CK_RV public_gone = public_key.destroy();
    if (rv != CKR_OK) return Outcome::after(rv, "C_WrapKey");
    if (!key) return failed_reading(std::move(key).error());
    if (private_gone != CKR_OK || public_gone != CKR_OK)
        return Outcome::wrong(
            {Errc::kHsmFailed, "C_DestroyObject did not destroy a key that was just wrapped"});
    if (size == 0 || size > blob.size())
        return Outcome::wrong({Errc::kHsmFailed, "C_WrapKey answered CKR_OK with a blob of wrong length"});
    blob.resize(size);
    out.public_key = *std::move(key);
    out.wrapped.blob = std::move(blob);
    return {};
}

}  // namespace

Result<GeneratedKey> Pkcs11KeyStore::Impl::generate(KeyAlgorithm algorithm) {
    if (!is_ec(algorithm) && !is_rsa(algorithm))
        return fail(Errc::kUnsupported, "signers' keys are EC or RSA", "algorithm");
    SIGILLO_ASSIGN(const pkcs11::Turnstile::Pass turn,
                   generations_.enter(session_wait_, CallKind::kGeneration));
    const auto* scheme = pkcs11::wrapping_scheme(scheme_name_);
    GeneratedKey key;
    key.wrapped.scheme = scheme_name_;
    SIGILLO_TRY(connection_->run(
        Where::kPool, CallKind::kGeneration, [&](CK_SESSION_HANDLE session, std::uint64_t generation) {
            const auto kek = role_handle(RoleObject::kKek, generation);
            if (!kek) return Outcome::wrong(pkcs11::handles_changed());
            return generate_and_wrap(connection_->module(), session, *kek, scheme->mechanism, algorithm, key);
        }));
    // libcrypto checks that the point is on its curve before anybody certifies it.
    if (!Verifier::create(key.public_key))
        return fail(Errc::kHsmFailed, "the generated public key is none that libcrypto accepts");
    return key;
}

Result<std::shared_ptr<SigningKey>> Pkcs11KeyStore::Impl::unwrap(const WrappedKey& wrapped,
                                                                 const PublicKey& expected) {
    const auto* scheme = pkcs11::wrapping_scheme(wrapped.scheme);
    if (scheme == nullptr) return not_this_key("no wrapping scheme is named " + wrapped.scheme.substr(0, 40));
    // The KEK permits its own scheme alone, so a blob of another one is of another KEK or is mislabelled.
    if (scheme->name != scheme_name_)
        return not_this_key("the KEK wraps by " + scheme_name_ + ", not by " + wrapped.scheme);
    if (!is_ec(expected.algorithm) && !is_rsa(expected.algorithm))
        return fail(Errc::kUnsupported, "signers' keys are EC or RSA", "algorithm");
    if (wrapped.blob.empty() || wrapped.blob.size() > kLongestBlob)
        return not_this_key("its length is impossible");

    auto key = unwrap_once(scheme->mechanism, wrapped.blob, expected);
    if (key) return key;
    if (pkcs11::blames_data(key.error())) return not_this_key(key.error().detail, key.error().native);
    if (!pkcs11::blames_data_or_device(key.error()) || !control_) return key;

    // Once more, in case the HSM only stumbled; then the control: does a blob that is known to be good
    // unwrap?
    auto again = unwrap_once(scheme->mechanism, wrapped.blob, expected);
    if (again || !pkcs11::blames_data_or_device(again.error())) return again;
    if (unwrap_once(scheme->mechanism, control_->key.wrapped.blob, control_->key.public_key))
        return not_this_key(again.error().detail, again.error().native);
    return again;
}

Result<std::shared_ptr<SigningKey>> Pkcs11KeyStore::Impl::unwrap_once(CK_MECHANISM_TYPE mechanism,
                                                                      ByteView blob,
                                                                      const PublicKey& expected) {
    Template wanted;
    pkcs11::add_unwrapped_key(wanted, expected.algorithm);
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    std::uint64_t born = 0;
    SIGILLO_TRY(connection_->run(
        Where::kAnchor, CallKind::kShort, [&](CK_SESSION_HANDLE session, std::uint64_t generation) {
            const auto kek = role_handle(RoleObject::kKek, generation);
            if (!kek) return Outcome::wrong(pkcs11::handles_changed());
            born = generation;
            CK_MECHANISM unwrapping{mechanism, nullptr, 0};
            const CK_RV rv =
                connection_->module()->C_UnwrapKey(session, &unwrapping, *kek, input_bytes(blob), blob.size(),
                                                   wanted.data(), wanted.size(), &object);
            return Outcome::after(rv, "C_UnwrapKey");
        }));
    // From here on the object is destroyed with `key`, whatever happens.
    auto key = std::make_shared<SessionKey>(shared_from_this(), object, born, expected);
    SIGILLO_ASSIGN(const bool good, is_key_of(object, born, expected));
    if (!good) return not_this_key("it has another public half");
    return key;
}

// SoftHSM's unwrapped EC keys have no public point, so an EC key signs a challenge instead; an RSA private
// key has modulus and exponent (PKCS#11 v2.40 §2.1.3).
Result<bool> Pkcs11KeyStore::Impl::is_key_of(CK_OBJECT_HANDLE key, std::uint64_t generation,
                                             const PublicKey& expected) {
    bool good = false;
    Bytes challenge;
    if (is_ec(expected.algorithm)) challenge = random_.bytes(32);
    SIGILLO_TRY(
        connection_->run(Where::kPool, CallKind::kShort, [&](CK_SESSION_HANDLE session, std::uint64_t now) {
            if (now != generation) return Outcome::wrong(pkcs11::handles_changed());
            const pkcs11::Module& module = connection_->module();
            if (is_ec(expected.algorithm))
                return pkcs11::prove_possession(module, session, key, expected, challenge, good);
            auto modulus = pkcs11::read_attribute(module, session, key, CKA_MODULUS);
            if (!modulus) return failed_reading(std::move(modulus).error());
            auto exponent = pkcs11::read_attribute(module, session, key, CKA_PUBLIC_EXPONENT);
            if (!exponent) return failed_reading(std::move(exponent).error());
            if (!*modulus || !*exponent)
                return Outcome::wrong(
                    {Errc::kUnsupported, "the token shows no modulus of an unwrapped RSA key"});
            const auto actual = pkcs11::rsa_public_key(expected.algorithm, **modulus, **exponent);
            good = actual && *actual == expected;
            return Outcome{};
        }));
    return good;
}

}  // namespace sigillo
