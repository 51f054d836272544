#include "tests/issuance_x509/foreign_ca.h"

#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <stdexcept>

namespace sigillo::testing {
namespace {

void must(bool ok, const std::string& what) {
    if (ok) return;
    char reason[256] = {};
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    throw std::runtime_error(what + ": " + reason);
}

void set_name(X509_NAME* name, const std::string& text) {
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1,
         "name");
}

}  // namespace

PublicKey ForeignKey::public_key() const {
    PublicKey out;
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key.get(), &der);
    must(size > 0, "i2d_PUBKEY");
    out.spki.assign(der, der + size);
    OPENSSL_free(der);
    out.algorithm = EVP_PKEY_get_bits(key.get()) == 384 ? KeyAlgorithm::kEcP384 : KeyAlgorithm::kEcP256;
    return out;
}

ForeignKey ec_key(const char* curve) {
    ForeignKey made{EvpKey(EVP_EC_gen(curve))};
    must(made.key != nullptr, "EC key");
    return made;
}

ForeignKey rsa_key(unsigned bits) {
    ForeignKey made{EvpKey(EVP_RSA_gen(bits))};
    must(made.key != nullptr, "RSA key");
    return made;
}

ForeignKey explicit_curve_key() {
    const EvpKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    char group[] = "P-256";
    char encoding[] = OSSL_PKEY_EC_ENCODING_EXPLICIT;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                           OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, encoding, 0),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY* key = nullptr;
    must(EVP_PKEY_keygen_init(context.get()) == 1 && EVP_PKEY_CTX_set_params(context.get(), params) == 1 &&
             EVP_PKEY_generate(context.get(), &key) == 1,
         "explicit EC key");
    return ForeignKey{EvpKey(key)};
}

X509Handle foreign_certificate(const ForeignSpec& spec, const ForeignKey& key, const ForeignKey& issuer_key,
                               X509* issuer_certificate) {
    X509Handle made(X509_new());
    must(X509_set_version(made.get(), spec.version) == 1, "version");
    must(ASN1_INTEGER_set(X509_get_serialNumber(made.get()), spec.serial) == 1, "serial");
    set_name(X509_get_subject_name(made.get()), spec.subject);
    const X509NameHandle issuer(X509_NAME_new());
    set_name(issuer.get(), spec.issuer);
    must(X509_set_issuer_name(made.get(), issuer.get()) == 1, "issuer");
    must(ASN1_TIME_set(X509_getm_notBefore(made.get()), spec.not_before) != nullptr, "notBefore");
    must(ASN1_TIME_set(X509_getm_notAfter(made.get()), spec.not_after) != nullptr, "notAfter");
    must(X509_set_pubkey(made.get(), key.key.get()) == 1, "key");
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer_certificate != nullptr ? issuer_certificate : made.get(), made.get(),
                   nullptr, nullptr, 0);
    const std::unique_ptr<CONF, FreeWith<NCONF_free>> empty(
        NCONF_new(nullptr));  // some extensions look for sections
    X509V3_set_nconf(&context, empty.get());
    for (const auto& [name, value] : spec.extensions) {
        const X509ExtensionHandle extension(
            X509V3_EXT_nconf(empty.get(), &context, name.c_str(), value.c_str()));
        must(extension != nullptr, "extension " + name);
        must(X509_add_ext(made.get(), extension.get(), -1) == 1, "add extension");
    }
    if (spec.change) spec.change(made.get());
    must(X509_sign(made.get(), issuer_key.key.get(), spec.digest) > 0, "sign");
    return made;
}

Bytes der_of(const X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    must(size > 0, "i2d_X509");
    Bytes out(der, der + size);
    OPENSSL_free(der);
    return out;
}

}  // namespace sigillo::testing
