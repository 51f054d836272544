// Between steps 2 and 3: what the key signs (the DTBS/R). For hashes that is what the SAD authorises; for
// documents it is the digest of SignedAttributes that are made here, in the trusted process, around the
// authorised digest.
#pragma once

#include <vector>

#include "appliance/base/clock.h"
#include "appliance/signing/request.h"

namespace sigillo::signing {

struct ToBeSigned {
    std::vector<Digest> digests;  // in the order of the request's hashes; what the log calls `hashes`
    std::vector<Bytes> signed_attributes;  // DER, SET OF; of documents
    Bytes certificate;                     // DER: what the attributes name; empty for hashes
};

// `certificate`: the credential's, DER; not looked at for hashes. kDisabled: documents, and no certificate.
// kInvalidArgument as ades::signed_attributes().
Result<ToBeSigned> what_to_sign(const SignRequest& request, ByteView certificate, WallTime now);

// Whether a signing-time has to be said: then the clock must be trusted.
bool says_the_time(const SignRequest& request);

}  // namespace sigillo::signing
