// What a client asks of the signing path, decoded and within limits (step 1 is done by then).
#pragma once

#include <string>
#include <vector>

#include "appliance/base/digest.h"
#include "appliance/base/ids.h"
#include "appliance/base/secret.h"
#include "keystore/algorithms.h"

namespace sigillo::signing {

struct SignRequest {
    ClientId client;
    std::string tenant;
    CredentialId credential;
    SecretBytes sad;  // base64url text, as the client got it
    SignatureScheme scheme;
    std::vector<Digest> hashes;  // all of scheme.hash, in the client's order
};

// Names this very call: the same client, credential, hashes in the same order, algorithms and parameters give
// the same digest. What a retry is recognised by. 32 bytes.
Bytes request_digest(const SignRequest& request);

// The scheme in the log's words: "ecdsa-SHA256", "rsa-pkcs1v15-SHA256", "rsa-pss-SHA384".
std::string scheme_name(SignatureScheme scheme);

}  // namespace sigillo::signing
