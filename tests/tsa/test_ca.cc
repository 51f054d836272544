#include "tests/tsa/test_ca.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <stdexcept>

#include "appliance/base/der.h"

namespace sigillo::tsa::testing {
namespace {

void must(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

void name(X509_NAME* out, const std::string& common_name) {
    const auto add = [&](const char* field, const std::string& value) {
        must(X509_NAME_add_entry_by_txt(out, field, MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(value.data()),
                                        static_cast<int>(value.size()), -1, 0) == 1,
             "X509_NAME_add_entry_by_txt");
    };
    add("C", "IT");
    add("O", "Sigillo tests");
    if (!common_name.empty()) add("CN", common_name);
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "X509V3_EXT_conf_nid");
    X509_EXTENSION_free(extension);
}

void add_period(X509* certificate, const CertificateOptions& options, WallTime now) {
    if (!options.key_from && !options.key_until) return;
    DerWriter der(64);
    if (options.key_until)
        der.element(der_context_primitive(1), as_bytes(generalized_time(now + *options.key_until)));
    if (options.key_from)
        der.element(der_context_primitive(0), as_bytes(generalized_time(now + *options.key_from)));
    const Bytes value = der.close(kDerSequence, 0).finish();
    ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, value.data(), static_cast<int>(value.size()));
    X509_EXTENSION* extension =
        X509_EXTENSION_create_by_NID(nullptr, NID_private_key_usage_period, 0, octets);
    must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "privateKeyUsagePeriod");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
}

Bytes encode(X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    must(size > 0, "i2d_X509");
    Bytes out(der, der + size);
    OPENSSL_free(der);
    return out;
}

}  // namespace

TestCa::TestCa(const std::string& common_name) : key_(EVP_EC_gen("P-256")), x509_(X509_new()) {
    must(key_ != nullptr && x509_ != nullptr, "CA key");
    X509_set_version(x509_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509_), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509_), -86'400);
    X509_gmtime_adj(X509_getm_notAfter(x509_), 3'650L * 86'400);
    name(X509_get_subject_name(x509_), common_name);
    X509_set_issuer_name(x509_, X509_get_subject_name(x509_));
    X509_set_pubkey(x509_, key_);
    extend(x509_, x509_, NID_basic_constraints, "critical,CA:TRUE");
    extend(x509_, x509_, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(x509_, x509_, NID_subject_key_identifier, "hash");
    must(X509_sign(x509_, key_, EVP_sha256()) > 0, "X509_sign");
    certificate_ = encode(x509_);
}

TestCa::~TestCa() {
    X509_free(x509_);
    EVP_PKEY_free(key_);
}

Bytes TestCa::issue(ByteView spki, const CertificateOptions& options) {
    const WallTime now = SystemClock().now();
    const std::unique_ptr<X509, decltype([](X509* x) { X509_free(x); })> made(X509_new());
    const unsigned char* cursor = spki.data();
    EVP_PKEY* key = d2i_PUBKEY(nullptr, &cursor, static_cast<long>(spki.size()));
    must(key != nullptr, "d2i_PUBKEY");
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), static_cast<long>(options.valid_from.count()));
    X509_gmtime_adj(X509_getm_notAfter(made.get()), static_cast<long>(options.valid_until.count()));
    if (!options.subject.empty()) name(X509_get_subject_name(made.get()), options.subject);
    X509_set_issuer_name(made.get(), X509_get_subject_name(x509_));
    X509_set_pubkey(made.get(), key);
    EVP_PKEY_free(key);
    extend(made.get(), x509_, NID_basic_constraints, options.basic_constraints);
    extend(made.get(), x509_, NID_key_usage, options.key_usage);
    extend(made.get(), x509_, NID_ext_key_usage, options.extended_key_usage);
    extend(made.get(), x509_, NID_authority_key_identifier, "keyid");
    add_period(made.get(), options, now);
    must(X509_sign(made.get(), key_, EVP_sha256()) > 0, "X509_sign");
    return encode(made.get());
}

std::string pem_of(ByteView certificate) {
    const unsigned char* cursor = certificate.data();
    X509* x509 = d2i_X509(nullptr, &cursor, static_cast<long>(certificate.size()));
    must(x509 != nullptr, "d2i_X509");
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, x509);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    X509_free(x509);
    return out;
}

}  // namespace sigillo::tsa::testing
