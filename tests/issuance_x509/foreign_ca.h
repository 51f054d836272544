// Certificates of every good and bad kind, as somebody else's CA would make them: libcrypto alone, no code of
// ours.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "appliance/base/bytes.h"
#include "keystore/algorithms.h"
#include "keystore/openssl/handles.h"

namespace sigillo::testing {

// When the certificates below are valid, unless they say otherwise: unix seconds around ManualClock's
// beginning.
inline constexpr std::int64_t kForeignNow = 1'800'000'000;

struct ForeignKey {
    EvpKey key;
    PublicKey public_key() const;  // `algorithm` is meaningful for P-256 and P-384 only
};
ForeignKey ec_key(const char* curve = "P-256");
ForeignKey rsa_key(unsigned bits);
ForeignKey explicit_curve_key();  // P-256, its parameters spelled out

struct ForeignSpec {
    std::string subject = "Signer";
    std::string issuer = "Root";
    long serial = 1000;
    std::int64_t not_before = kForeignNow - 1000;
    std::int64_t not_after = kForeignNow + 1000;
    int version = 2;  // X509_VERSION_3
    const EVP_MD* digest = EVP_sha256();
    // In the words of openssl.cnf, e.g. {"keyUsage", "critical,nonRepudiation"}.
    std::vector<std::pair<std::string, std::string>> extensions;
    std::function<void(X509*)> change;  // before signing
};

// `issuer_certificate`, if any, is what "authorityKeyIdentifier" is taken from. Throws std::runtime_error.
X509Handle foreign_certificate(const ForeignSpec& spec, const ForeignKey& key, const ForeignKey& issuer_key,
                               X509* issuer_certificate = nullptr);
Bytes der_of(const X509* certificate);

}  // namespace sigillo::testing
