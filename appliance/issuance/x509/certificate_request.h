// PKCS#10 (RFC 2986): how a signer's key asks an outside CA for its certificate.
#pragma once

#include <memory>

#include "appliance/base/result.h"
#include "appliance/issuance/x509/subject.h"
#include "keystore/openssl/hsm_provider.h"
#include "keystore/signing_key.h"

namespace sigillo {

// DER, signed by `key` itself (proof of possession) with the hash that fits it, and verified before it is
// returned. Thread-safe. Errors: those of encode_subject and SigningKey::sign; kHsmFailed when the signature
// does not hold.
Result<Bytes> make_certificate_request(const HsmProvider& provider, std::shared_ptr<SigningKey> key,
                                       const Subject& subject, const SubjectLimits& limits = {});

}  // namespace sigillo
