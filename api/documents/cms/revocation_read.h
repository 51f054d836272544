// OCSP responses and CRLs without regard to time. Not for others than this folder.
#pragma once

#include "api/documents/cms/libcrypto.h"
#include "api/documents/cms/revocation.h"

namespace sigillo::cms {

Result<OcspBasicPtr> parse_ocsp(ByteView response, const Limits& limits);
Result<CrlPtr> parse_crl(ByteView crl, const Limits& limits);

// What the response says about the certificate, if its signature holds and its signer may say it. kNotFound:
// nothing.
Result<RevocationAnswer> ask(OCSP_BASICRESP* response, X509* certificate, X509* issuer, const Limits& limits);
Result<RevocationAnswer> ask(X509_CRL* crl, X509* certificate, X509* issuer, const Limits& limits);

// Whether the response has an answer about the certificate, its signature unseen.
bool speaks_of(OCSP_BASICRESP* response, X509* certificate, X509* issuer);
// A successful OCSPResponse around a BasicOCSPResponse.
Bytes ocsp_of_basic(ByteView basic);

}  // namespace sigillo::cms
