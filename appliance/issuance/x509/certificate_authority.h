// The embedded CA: signer certificates of the classes simple and advanced, and the list of those revoked. It
// issues nothing qualified: such certificates come from outside (chain_check.h).
//
// A toolkit: it keeps no record of what it issued. The caller stores certificates and serial numbers, and
// hands the revoked ones in when a list is due.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/base/clock.h"
#include "appliance/base/random.h"
#include "appliance/base/result.h"
#include "appliance/issuance/x509/certificate_facts.h"
#include "appliance/issuance/x509/subject.h"
#include "keystore/openssl/hsm_provider.h"
#include "keystore/signing_key.h"

namespace sigillo {

enum class CertificateClass : std::uint8_t { kSimple = 1, kAdvanced = 2 };

struct CertificateAuthorityConfig {
    // The CA's own name (EN 319 412-2 §4.2.3.1 for a legal person as issuer).
    std::string country = "IT";  // ISO 3166-1 alpha-2
    std::string organization = "Sigillo";
    std::string organization_identifier;  // "VATIT-…", or empty
    std::string common_name = "Sigillo embedded CA";

    // Ten years: outlives the signer certificates of its first seven, so that the change to a new CA is
    // planned.
    std::chrono::seconds ca_validity = std::chrono::days(3650);
    // Three years: the usual life of a signer's certificate. Never beyond the CA's own end.
    std::chrono::seconds signer_validity = std::chrono::days(3 * 365);
    // Five years for a time-stamping unit, whose key signs for a part of it only: a token stays verifiable as
    // long as its certificate. Never beyond the CA's own end.
    std::chrono::seconds time_stamping_validity = std::chrono::days(5 * 365);
    // Thirty days for an OCSP responder: its certificate says that nobody need ask whether it was revoked
    // (RFC 6960 §4.2.2.2.1), so it must end soon by itself. Never beyond the CA's own end.
    std::chrono::seconds ocsp_signing_validity = std::chrono::days(30);
    // Five minutes: verifiers whose clocks are late accept a certificate at once.
    std::chrono::seconds backdate = std::chrono::minutes(5);
    // A day between thisUpdate and nextUpdate: EN 319 411-1 §6.3.9 wants a new list at least every 24 hours.
    std::chrono::seconds crl_validity = std::chrono::hours(24);
    // Entries of a list, 53 octets each: 5 MiB and under a second to make.
    std::size_t max_crl_entries = 100'000;

    // In every certificate; both required, http or https, at most max_url_bytes.
    std::string crl_url;
    std::string ca_issuers_url;
    std::string ocsp_url;             // empty: none offered
    std::size_t max_url_bytes = 512;  // octets; keeps certificates small

    // certificatePolicies, dotted. EN 319 411-1 §5.3: LCP serves simple, NCP advanced.
    std::string policy_simple = "0.4.0.2042.1.3";
    std::string policy_advanced = "0.4.0.2042.1.1";
    std::string cps_url;  // where the practice statement is, or empty

    SubjectLimits subject;
};

struct IssuedCertificate {
    Bytes der;
    std::string serial_hex;  // as CertificateFacts has it
    WallTime not_before{};
    WallTime not_after{};
};

// RFC 5280 §5.3.1. What may be said of a signer's certificate; removeFromCRL belongs to delta lists, which
// there are none of: a certificate that is resumed is simply absent from the next list.
enum class RevocationReason : std::uint8_t {
    kUnspecified = 0,
    kKeyCompromise = 1,
    kCaCompromise = 2,
    kAffiliationChanged = 3,
    kSuperseded = 4,
    kCessationOfOperation = 5,
    kCertificateHold = 6,  // suspension
    kPrivilegeWithdrawn = 9,
};
std::string_view revocation_reason_name(RevocationReason reason);  // "keyCompromise", as RFC 5280 spells it
std::optional<RevocationReason> revocation_reason_from_name(std::string_view name);

struct RevokedCertificate {
    std::string serial_hex;  // as CertificateFacts has it
    WallTime revoked_at{};
    RevocationReason reason = RevocationReason::kUnspecified;
};

// Thread-safe. Borrows provider, clock and random, which must outlive it.
class CertificateAuthority {
 public:
    // A new self-signed CA certificate (DER) for `key`: basicConstraints CA with path length 0, keyCertSign
    // and cRLSign, both critical. Signed by `key` once; the caller keeps it. Errors: kInvalidArgument for the
    // configuration (`field` names it), SigningKey::sign's, kHsmFailed when the signature does not hold.
    static Result<Bytes> make_ca_certificate(const HsmProvider& provider, std::shared_ptr<SigningKey> key,
                                             const CertificateAuthorityConfig& config, const Clock& clock,
                                             Random& random);

    // `ca_certificate`: what make_ca_certificate gave. kInvalidArgument for the configuration; kCorrupt when
    // the certificate cannot be parsed, is no CA's, is not signed by itself or belongs to another key.
    static Result<std::unique_ptr<CertificateAuthority>> create(const HsmProvider& provider,
                                                                std::shared_ptr<SigningKey> key,
                                                                ByteView ca_certificate,
                                                                CertificateAuthorityConfig config,
                                                                const Clock& clock, Random& random);
    ~CertificateAuthority();
    CertificateAuthority(const CertificateAuthority&) = delete;
    CertificateAuthority& operator=(const CertificateAuthority&) = delete;

    // A certificate from now (less backdate) until `validity` (default: signer_validity) or the CA's end,
    // whichever is sooner. EN 319 412-2/-3: keyUsage critical, nonRepudiation alone for class advanced, with
    // digitalSignature for simple; SKI, AKI, policy, CDP, AIA. The serial number is 159 random bits. The
    // signature is verified before it is returned. Errors: encode_subject's; kInvalidArgument for a public
    // key that cannot be parsed, is not what its algorithm says or may not be certified; kConflict when the
    // CA's certificate is not valid now; SigningKey::sign's; kHsmFailed when the signature does not hold.
    Result<IssuedCertificate> issue(const PublicKey& key, const Subject& subject,
                                    CertificateClass certificate_class,
                                    std::optional<std::chrono::seconds> validity = std::nullopt);

    // A time-stamping unit's certificate (EN 319 422 §6, EN 319 412-3): keyUsage digitalSignature and
    // extendedKeyUsage timeStamping alone, both critical; privateKeyUsagePeriod from `from` to `until`, which
    // must lie before its end (now + time_stamping_validity, or the CA's end: kInvalidArgument, `field`
    // "validity"). `subject`: a legal person's. Other errors as for issue().
    Result<IssuedCertificate> issue_for_time_stamps(const PublicKey& key, const Subject& subject,
                                                    WallTime from, WallTime until);

    // The certificate of a delegated OCSP responder (RFC 6960 §4.2.2.2): keyUsage digitalSignature, critical;
    // extendedKeyUsage OCSPSigning; nocheck; until now + ocsp_signing_validity or the CA's end. Errors as for
    // issue().
    Result<IssuedCertificate> issue_for_ocsp(const PublicKey& key);

    // The full list (DER) of what is revoked or suspended now; `number` (RFC 5280 §5.2.3) must be greater
    // than that of any list before. Entries in any order. Errors: kLimitExceeded (max_crl_entries),
    // kInvalidArgument (a serial twice or not hexadecimal), kConflict, SigningKey::sign's, kHsmFailed as
    // above.
    Result<Bytes> make_crl(std::span<const RevokedCertificate> revoked, std::uint64_t number);

    const Bytes& certificate() const;       // DER
    const CertificateFacts& facts() const;  // of the CA's certificate
    const CertificateAuthorityConfig& config() const;

 private:
    struct State;
    explicit CertificateAuthority(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sigillo
