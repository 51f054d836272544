// What a client asks of the signing path, decoded and within limits (step 1 is done by then).
#pragma once

#include <string>
#include <vector>

#include "appliance/ades/signed_properties.h"
#include "appliance/base/digest.h"
#include "appliance/base/ids.h"
#include "appliance/base/secret.h"
#include "keystore/algorithms.h"

namespace sigillo::signing {

// What the key signs for one of SignRequest::hashes, when that is a document's digest: SignedAttributes,
// which the path makes itself (to_be_signed.h).
struct DocumentToSign {
    ades::Format format = ades::Format::kCades;
    // The message-digest attribute. CAdES, and PAdES over a revision that the client prepared: the authorised
    // digest. PAdES over a whole document: the digest of the ByteRange (revision.h).
    Digest message;
    ades::EncodedProperties properties;
};

struct SignRequest {
    ClientId client;
    std::string tenant;
    CredentialId credential;
    SecretBytes sad;  // base64url text, as the client got it
    SignatureScheme scheme;
    std::vector<Digest> hashes;  // what the SAD authorises: all of scheme.hash, in the client's order
    // Empty: the key signs the hashes themselves (hash type dtbsr). Else one for each hash, which is a
    // document's digest then (hash type sdr).
    std::vector<DocumentToSign> documents;
};

// Names this very call: the same client, credential, hashes in the same order, algorithms and parameters,
// documents with the same properties give the same digest. What a retry is recognised by; signing-time is not
// in it. 32 bytes.
Bytes request_digest(const SignRequest& request);

// The scheme in the log's words: "ecdsa-SHA256", "rsa-pkcs1v15-SHA256", "rsa-pss-SHA384".
std::string scheme_name(SignatureScheme scheme);

}  // namespace sigillo::signing
