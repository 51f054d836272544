// What the files of the CertificateAuthority share. Not for others.
#pragma once

#include <vector>

#include "appliance/issuance/x509/certificate_authority.h"
#include "appliance/issuance/x509/extensions.h"
#include "appliance/issuance/x509/signed_object.h"

namespace sigillo {

// kInvalidArgument or kMissingArgument, `field` = the member's name.
Status check_authority_config(const CertificateAuthorityConfig& config);
std::string serial_text(const ASN1_INTEGER* serial);  // as CertificateFacts::serial_hex
// kInternal, with libcrypto's reason.
std::unexpected<Error> object_not_built(std::string_view what);

// X.509 knows seconds only.
inline WallTime whole_seconds(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time);
}

using Extensions = std::vector<X509ExtensionHandle>;

struct CertificateAuthority::State {
    const HsmProvider& provider;
    const CertificateAuthorityConfig config;
    const Clock& clock;
    Random& random;
    Bytes der;
    CertificateFacts facts;
    X509Handle certificate;
    Signer signer;
    // Encoded once: what every certificate of a class carries, and what says how identifiers are to be read.
    Extensions simple;
    Extensions advanced;
    Extensions time_stamping;
    Extensions ocsp_signing;
    X509ExtensionHandle authority_key;
    X509ExtensionHandle natural_semantics;
    X509ExtensionHandle legal_semantics;

    const X509_NAME* name() const { return X509_get_subject_name(certificate.get()); }

    Result<Extensions> common_extensions(std::uint16_t usage, const std::string& policy) const {
        Extensions list;
        SIGILLO_ASSIGN(X509ExtensionHandle key_usage, key_usage_extension(usage));
        SIGILLO_ASSIGN(X509ExtensionHandle policies, policies_extension(policy, config.cps_url));
        SIGILLO_ASSIGN(X509ExtensionHandle crl, crl_distribution_extension(config.crl_url));
        SIGILLO_ASSIGN(X509ExtensionHandle access,
                       authority_information_extension(config.ca_issuers_url, config.ocsp_url));
        list.push_back(std::move(key_usage));
        list.push_back(std::move(policies));
        list.push_back(std::move(crl));
        list.push_back(std::move(access));
        return list;
    }

    // The CA's certificate, if it is good now.
    Result<WallTime> valid_now() const {
        const WallTime now = whole_seconds(clock.now());
        if (now < facts.not_before || now >= facts.not_after)
            return fail(Errc::kConflict, "the embedded CA's certificate is valid from " +
                                             rfc3339(facts.not_before) + " to " + rfc3339(facts.not_after) +
                                             " only");
        return now;
    }
};

}  // namespace sigillo
