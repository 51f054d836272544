// How OCSP names an issuer: hashes over its name and over its public key's bits (RFC 6960 §4.1.1). They name
// and prove nothing, so SHA-1 is among them. Pure functions; safe from any thread.
#pragma once

#include <string_view>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"

namespace sigillo {

struct IssuerHashes {
    Bytes name;  // over the DER of the certificate's subject
    Bytes key;   // over the subjectPublicKey's bits, without tag, length and count of unused bits
};

// `digest`: libcrypto's name, "SHA1", "SHA256", "SHA384", "SHA512". kInvalidArgument when `ca_certificate` is
// no certificate or `digest` no digest.
Result<IssuerHashes> issuer_hashes(ByteView ca_certificate, std::string_view digest);

// ResponderID byKey (RFC 6960 §4.2.1): SHA-1 over the bits of `spki`'s key. kInvalidArgument when it is no
// SubjectPublicKeyInfo.
Result<Bytes> responder_key_hash(ByteView spki);

}  // namespace sigillo
