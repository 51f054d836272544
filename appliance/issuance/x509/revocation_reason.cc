#include <array>
#include <utility>

#include "appliance/issuance/x509/certificate_authority.h"

namespace sigillo {
namespace {

constexpr std::array<std::pair<RevocationReason, std::string_view>, 8> kNames{
    {{RevocationReason::kUnspecified, "unspecified"},
     {RevocationReason::kKeyCompromise, "keyCompromise"},
     {RevocationReason::kCaCompromise, "cACompromise"},
     {RevocationReason::kAffiliationChanged, "affiliationChanged"},
     {RevocationReason::kSuperseded, "superseded"},
     {RevocationReason::kCessationOfOperation, "cessationOfOperation"},
     {RevocationReason::kCertificateHold, "certificateHold"},
     {RevocationReason::kPrivilegeWithdrawn, "privilegeWithdrawn"}}};

}  // namespace

std::string_view revocation_reason_name(RevocationReason reason) {
    for (const auto& [value, name] : kNames)
        if (value == reason) return name;
    return "unspecified";
}

std::optional<RevocationReason> revocation_reason_from_name(std::string_view name) {
    for (const auto& [value, text] : kNames)
        if (text == name) return value;
    return std::nullopt;
}

}  // namespace sigillo
