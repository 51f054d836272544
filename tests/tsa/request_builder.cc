#include "tests/tsa/request_builder.h"

#include <openssl/objects.h>
#include <openssl/ts.h>
#include <openssl/x509.h>

#include <stdexcept>

#include "appliance/base/der.h"
#include "appliance/base/oid.h"

namespace sigillo::tsa::testing {

Bytes build_imprint(const RequestOptions& options) {
    const Digest own = digest_of(options.hash, as_bytes(options.document));
    const std::string oid = options.hash_oid.empty() ? std::string(hash_oid(options.hash)) : options.hash_oid;
    DerWriter der(256);
    der.element(kDerOctetString, options.digest ? ByteView(*options.digest) : own.bytes());
    const std::size_t algorithm = der.written();
    der.raw(options.parameters).element(kDerOid, encode_oid(oid).value()).close(kDerSequence, algorithm);
    return der.close(kDerSequence, 0).finish();
}

Bytes build_request(const RequestOptions& options) {
    DerWriter der(512);
    if (options.extensions) der.element(der_context(0), *options.extensions);
    if (options.cert_req) der.element(kDerBoolean, Bytes{0xFF});
    if (!options.nonce.empty()) der.element(kDerInteger, options.nonce);
    if (!options.policy.empty()) der.element(kDerOid, encode_oid(options.policy).value());
    der.raw(build_imprint(options)).element(kDerInteger, options.version);
    return der.close(kDerSequence, 0).finish();
}

Bytes libcrypto_request(const RequestOptions& options) {
    const auto must = [](bool ok) {
        if (!ok) throw std::runtime_error("libcrypto cannot build a request");
    };
    TS_REQ* request = TS_REQ_new();
    TS_MSG_IMPRINT* imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR* algorithm = X509_ALGOR_new();
    const Digest digest = digest_of(options.hash, as_bytes(options.document));
    const int nid = OBJ_txt2nid(std::string(hash_oid(options.hash)).c_str());
    must(X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), V_ASN1_NULL, nullptr) == 1);
    must(TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1);
    must(TS_MSG_IMPRINT_set_msg(imprint, const_cast<unsigned char*>(digest.bytes().data()),
                                static_cast<int>(digest.bytes().size())) == 1);
    must(TS_REQ_set_version(request, 1) == 1 && TS_REQ_set_msg_imprint(request, imprint) == 1);
    if (!options.policy.empty()) {
        ASN1_OBJECT* policy = OBJ_txt2obj(options.policy.c_str(), 1);
        must(TS_REQ_set_policy_id(request, policy) == 1);
        ASN1_OBJECT_free(policy);
    }
    if (!options.nonce.empty()) {
        BIGNUM* number = BN_bin2bn(options.nonce.data(), static_cast<int>(options.nonce.size()), nullptr);
        ASN1_INTEGER* nonce = BN_to_ASN1_INTEGER(number, nullptr);
        must(TS_REQ_set_nonce(request, nonce) == 1);
        ASN1_INTEGER_free(nonce);
        BN_free(number);
    }
    must(TS_REQ_set_cert_req(request, options.cert_req ? 1 : 0) == 1);
    unsigned char* der = nullptr;
    const int size = i2d_TS_REQ(request, &der);
    must(size > 0);
    Bytes out(der, der + size);
    OPENSSL_free(der);
    X509_ALGOR_free(algorithm);
    TS_MSG_IMPRINT_free(imprint);
    TS_REQ_free(request);
    return out;
}

}  // namespace sigillo::tsa::testing
