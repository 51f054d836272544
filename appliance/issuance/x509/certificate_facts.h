// What the appliance wants to know of a certificate, read from foreign bytes.
//
// Pure functions over DER in libcrypto's default context; no key, no store, no clock. Safe from any thread.
// Strict: what is accepted has no trailing bytes, is an X.509 v3 certificate (RFC 5280 §4.1) with a positive
// serial number of at most 20 octets, and has no extension twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/clock.h"
#include "appliance/base/digest.h"
#include "appliance/base/result.h"
#include "keystore/algorithms.h"

namespace sigillo {

// RFC 5280 §4.2.1.3, as bits.
enum KeyUsageBit : std::uint16_t {
    kUsageDigitalSignature = 1U << 0,
    kUsageContentCommitment = 1U << 1,  // once called nonRepudiation
    kUsageKeyEncipherment = 1U << 2,
    kUsageDataEncipherment = 1U << 3,
    kUsageKeyAgreement = 1U << 4,
    kUsageCertificateSign = 1U << 5,
    kUsageCrlSign = 1U << 6,
    kUsageEncipherOnly = 1U << 7,
    kUsageDecipherOnly = 1U << 8,
};

// ETSI EN 319 412-5 §4.2.3
enum class QcType : std::uint8_t { kSignature = 1, kSeal = 2, kWeb = 3 };

// The qcStatements extension (RFC 3739 §3.2.6, EN 319 412-5). A statement says what the issuer claims;
// whether the issuer may claim it is a question for a trusted list.
struct QcStatements {
    bool qc_compliance = false;  // 0.4.0.1862.1.1
    bool qc_sscd = false;        // 0.4.0.1862.1.4: the key is in a qualified signature creation device
    std::vector<QcType> types;   // 0.4.0.1862.1.6; empty where the statement is absent
    std::vector<std::string> legislation;     // 0.4.0.1862.1.7: ISO 3166-1 countries
    std::vector<std::string> statement_oids;  // all of them, in order, known or not
    friend bool operator==(const QcStatements&, const QcStatements&) = default;
};

struct CertificateFacts {
    std::string issuer_dn;   // RFC 4514, valid UTF-8
    std::string subject_dn;  // RFC 4514, valid UTF-8
    std::string serial_hex;  // upper case, an even number of digits
    WallTime not_before{};
    WallTime not_after{};  // inclusive (RFC 5280 §4.1.2.5)
    Bytes spki;            // DER SubjectPublicKeyInfo
    Sha256Value spki_sha256{};
    std::string key_type;  // "EC P-256", "RSA", "ED25519", …: what libcrypto calls it
    unsigned key_bits = 0;
    std::optional<KeyAlgorithm> key_algorithm;  // none: not an algorithm that this appliance has keys of
    std::string signature_oid;                  // signatureAlgorithm, dotted
    std::optional<std::uint16_t> key_usage;     // KeyUsageBit; none where the extension is absent
    bool is_ca = false;                         // basicConstraints cA
    std::optional<std::uint32_t> path_length;
    std::vector<std::string> extended_key_usage;  // dotted OIDs
    std::vector<std::string> policies;            // dotted OIDs
    std::vector<std::string>
        critical_unknown;  // dotted OIDs of critical extensions that nobody here understands
    QcStatements qualified;
};

struct CertificateLimits {
    // Octets of one certificate. Qualified certificates take about 2 KiB; 16 KiB leaves room for long policy
    // texts and RSA-4096, and keeps every certificate of a credential inside a store value.
    std::size_t max_certificate_bytes = std::size_t{16} * 1024;
};

// kInvalidArgument with `field` "certificate": what is wrong is in `detail`. kLimitExceeded: longer than
// allowed.
Result<CertificateFacts> parse_certificate(ByteView der, const CertificateLimits& limits = {});

// The extension's value alone. kInvalidArgument when it is not DER as RFC 3739 has it.
Result<QcStatements> parse_qc_statements(ByteView extension_value);

}  // namespace sigillo
