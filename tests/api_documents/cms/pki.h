// A PKI of libcrypto's own for tests of signatures: two CAs below a root, signers, a time-stamping unit, an
// OCSP responder; CRLs, OCSP responses and tokens of any time. None of it comes from the code under test.
//
// Throws std::runtime_error when libcrypto fails: a test cannot go on then.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "appliance/base/clock.h"
#include "keystore/algorithms.h"

namespace sigillo::cms::testing {

enum class KeyKind { kRsa2048Pkcs1, kRsa3072Pss, kP256, kP384 };
const std::vector<KeyKind>& all_key_kinds();
std::string name_of(KeyKind kind);
SignatureScheme scheme_of(KeyKind kind);

struct EvpFree {
    void operator()(EVP_PKEY* key) const;
};
using Key = std::shared_ptr<EVP_PKEY>;
Key make_key(KeyKind kind);

// What is signed and by whom: a certificate with its key.
struct Identity {
    Key key;
    Bytes certificate;
};

struct IssueOptions {
    std::string common_name = "Signer";
    bool ca = false;
    std::string key_usage = "critical,digitalSignature,nonRepudiation";
    std::string extended_key_usage;  // libcrypto's spelling
    bool ocsp_no_check = false;
    std::string access;  // authorityInfoAccess, libcrypto's spelling
    std::string points;  // cRLDistributionPoints
    std::chrono::seconds valid_from = std::chrono::days(-30);
    std::chrono::seconds valid_until = std::chrono::days(365);
};

struct OcspOptions {
    int status = 0;  // V_OCSP_CERTSTATUS_GOOD
    WallTime this_update{};
    std::optional<WallTime> next_update;
    WallTime produced_at{};
    std::optional<WallTime> revoked_at;
    bool with_certificate = true;
};

struct CrlOptions {
    WallTime this_update{};
    WallTime next_update{};
    std::vector<Bytes> revoked;  // certificates
    WallTime revoked_at{};
    bool delta = false;
    std::string issuing_point;  // issuingDistributionPoint, libcrypto's spelling
};

// Issued by `issuer`, or by itself.
Identity issue(const IssueOptions& options, const Key& key, const Identity* issuer);
Bytes make_crl(const Identity& issuer, const CrlOptions& options);
Bytes make_ocsp(ByteView certificate, const Identity& issuer, const Identity& responder,
                const OcspOptions& options);
// A TimeStampToken over the digest.
Bytes make_token(const Digest& imprint, const Identity& unit, const std::vector<Bytes>& chain, WallTime time);

std::string pem_of(ByteView certificate);

// One of each, with everything in it that B-LTA needs.
struct Pki {
    Pki();
    Identity root;
    Identity ca;                          // below root
    Identity tsa_ca;                      // below root
    Identity unit;                        // below tsa_ca
    Identity responder;                   // below ca, with ocsp-nocheck
    Identity signer(KeyKind kind) const;  // below ca
    std::vector<Bytes> chain(const Identity& signer) const { return {signer.certificate, ca.certificate}; }
    Bytes token(const Digest& imprint, WallTime time) const;
};
// One for the whole program: keys take their time.
const Pki& pki();
// Before the first pki(): below it are, as the certificates say, CRLs (root.crl, ca.crl, tsa.crl), the
// signers' issuer (ca.crt) and an OCSP responder (ocsp). Without this it is http://pki.test.
void use_base_url(const std::string& url);

// DER of SignedAttributes (SET OF), as a signer would make them.
struct AttributeOptions {
    std::optional<Bytes>
        content_type;  // OBJECT IDENTIFIER, whole element; none: id-data; empty: no such attribute
    bool signing_certificate = true;
    std::optional<WallTime> signing_time;
    std::optional<Bytes> algorithm_protection;  // the attribute's value
};
Bytes make_attributes(const Digest& message, ByteView certificate, const AttributeOptions& options);
Bytes sign(const Identity& identity, SignatureScheme scheme, ByteView message);

}  // namespace sigillo::cms::testing
