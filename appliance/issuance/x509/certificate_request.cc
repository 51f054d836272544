#include "appliance/issuance/x509/certificate_request.h"

#include "appliance/issuance/x509/signed_object.h"

namespace sigillo {

Result<Bytes> make_certificate_request(const HsmProvider& provider, std::shared_ptr<SigningKey> key,
                                       const Subject& subject, const SubjectLimits& limits) {
    SIGILLO_ASSIGN(const X509NameHandle name, encode_subject(subject, limits));
    SIGILLO_ASSIGN(const Signer signer, Signer::create(provider, key));
    const X509RequestHandle request(X509_REQ_new_ex(provider.context(), nullptr));
    if (request == nullptr || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_subject_name(request.get(), name.get()) != 1)
        return fail(Errc::kInternal, "certificate request cannot be built: " + take_libcrypto_reason());
    SIGILLO_TRY(set_public_key(X509_REQ_get_X509_PUBKEY(request.get()), key->public_key()));
    return sign_object(request.get(), X509_REQ_sign, i2d_X509_REQ, signer, "signing a certificate request");
}

}  // namespace sigillo
