#include <array>
#include <utility>

#include "appliance/base/text.h"
#include "appliance/issuance/x509/certificate_authority_state.h"

namespace sigillo {
namespace {

Status check_url(const std::string& url, const char* field, const CertificateAuthorityConfig& config) {
    if (url.empty()) return fail(Errc::kMissingArgument, std::string(field) + " is missing", field);
    if (url.size() > config.max_url_bytes || !is_visible_ascii(url) ||
        !(url.starts_with("http://") || url.starts_with("https://")))
        return fail(Errc::kInvalidArgument, std::string(field) + " is not an http URL of reasonable length",
                    field);
    return {};
}

}  // namespace

Status check_authority_config(const CertificateAuthorityConfig& config) {
    SIGILLO_TRY(check_url(config.crl_url, "crl_url", config));
    SIGILLO_TRY(check_url(config.ca_issuers_url, "ca_issuers_url", config));
    if (!config.ocsp_url.empty()) SIGILLO_TRY(check_url(config.ocsp_url, "ocsp_url", config));
    if (!config.cps_url.empty()) SIGILLO_TRY(check_url(config.cps_url, "cps_url", config));
    const std::array<std::pair<std::chrono::seconds, const char*>, 4> spans{
        {{config.ca_validity, "ca_validity"},
         {config.signer_validity, "signer_validity"},
         {config.ocsp_signing_validity, "ocsp_signing_validity"},
         {config.crl_validity, "crl_validity"}}};
    for (const auto& [span, field] : spans)
        if (span <= std::chrono::seconds::zero())
            return fail(Errc::kInvalidArgument, std::string(field) + " is not positive", field);
    for (const auto& [oid, field] : {std::pair(&config.policy_simple, "policy_simple"),
                                     std::pair(&config.policy_advanced, "policy_advanced")})
        if (const auto made = policies_extension(*oid, {}); !made)
            return fail(made.error().code, made.error().detail, field);
    if (config.backdate < std::chrono::seconds::zero())
        return fail(Errc::kInvalidArgument, "backdate is negative", "backdate");
    return {};
}

}  // namespace sigillo
