// SignedAttributes (RFC 5652 §5.3) of CAdES and PAdES baseline signatures: what a key signs for a document.
//
//   content-type (id-data), message-digest                     RFC 5652 §11.1, §11.2
//   signing-certificate-v2                                     EN 319 122-1 §5.2.2.3, RFC 5035 §3
//   signing-time: CAdES always, PAdES never                    EN 319 122-1 §6.3, EN 319 142-1 §6.3 (there:
//   /M) CMSAlgorithmProtection                                     RFC 6211 and what the signer says:
//   signed_properties.h
//
// signing-certificate-v2 names the certificate by its SHA-256 (the default, so not written). issuerSerial is
// left out: it is a hint that repeats the SignerInfo's sid, and without it nothing has to be read out of a
// certificate. CMSAlgorithmProtection binds the digest and signature algorithms of the SignerInfo, which
// nothing else signs. So the SignerInfo must spell them as algorithm_identifiers.h does: who compares
// (pyHanko, Bouncy Castle) compares exactly. Pure functions; safe from any thread.
#pragma once

#include <span>

#include "appliance/ades/signed_properties.h"
#include "appliance/base/clock.h"
#include "keystore/algorithms.h"

namespace sigillo::ades {

struct SignedContent {
    Format format = Format::kCades;
    const Digest& message;    // of the content, or of a PDF's ByteRange
    SignatureScheme scheme;   // of the same hash
    ByteView certificate;     // the signer's, DER
    WallTime signing_time{};  // CAdES; PAdES does not say it
    const EncodedProperties& properties;
};

// DER, as it is signed: SET OF, tag 0x31. kInvalidArgument when message and scheme have different hashes,
// when the certificate is empty, or when the time cannot be written (years 0 to 9999).
Result<Bytes> signed_attributes(const SignedContent& content);

// Time of RFC 5652 §11.3: UTCTime for 1950 to 2049, GeneralizedTime otherwise; whole seconds. A whole
// element.
Result<Bytes> encode_signing_time(WallTime time);

}  // namespace sigillo::ades
