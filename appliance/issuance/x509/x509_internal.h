// What the files of this folder share about libcrypto's X.509 objects. Not for others.
#pragma once

#include <optional>
#include <string>

#include "appliance/base/clock.h"
#include "appliance/issuance/x509/certificate_facts.h"
#include "keystore/algorithms.h"
#include "keystore/openssl/handles.h"

namespace sigillo {

// Strict parsing as certificate_facts.h promises, without the facts.
Result<X509Handle> parse_x509(ByteView der, const CertificateLimits& limits);
Result<CertificateFacts> facts_of(X509* certificate);

// In libcrypto's default context.
// kInvalidArgument unless it is exactly one DER SubjectPublicKeyInfo of a key of that algorithm.
Result<EvpKey> parse_public_key(const PublicKey& key);
// Writes `key` where `out` is in a certificate or request, octet for octet and without libcrypto's encoders,
// which take longer than the signature. `key` has gone through parse_public_key. kInternal when it does not
// come out the same.
Status set_public_key(X509_PUBKEY* out, const PublicKey& key);
std::optional<KeyAlgorithm> algorithm_of(const EVP_PKEY* key);
bool has_explicit_curve(const EVP_PKEY* key);

// "1.2.840.113549.1.1.11"; empty when it is longer than an OID has any business to be.
std::string oid_text(const ASN1_OBJECT* object);
Result<WallTime> wall_time_of(const ASN1_TIME* time);
Asn1Time asn1_time_of(WallTime time);  // seconds; UTCTime until 2049 (RFC 5280 §4.1.2.5)

// The DER of an object by libcrypto's i2d function of its type.
template <class T>
Result<Bytes> encode_der(const T* object, int (*encode)(const T*, unsigned char**)) {
    const int size = encode(object, nullptr);
    if (size <= 0) return fail(Errc::kInternal, "libcrypto cannot encode what it built");
    Bytes der(static_cast<std::size_t>(size));
    unsigned char* cursor = der.data();
    if (encode(object, &cursor) != size)
        return fail(Errc::kInternal, "libcrypto cannot encode what it built");
    return der;
}

}  // namespace sigillo
