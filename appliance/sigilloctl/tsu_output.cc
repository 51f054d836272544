#include "appliance/sigilloctl/tsu_output.h"

#include <nlohmann/json.hpp>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"
#include "appliance/sigilloctl/output.h"

namespace sigillo::ctl {
namespace {

std::string revoked_text(const sam::Tsu& unit) {
    if (unit.revoked_ms() == 0) return {};
    return time_text(unit.revoked_ms()) + ", " + unit.revocation() +
           (unit.on_crl() ? ", on the embedded CA's CRL" : ", on no CRL of ours: tell the CA that issued it");
}

void print_unit(const sam::Tsu& unit) {
    std::vector<std::pair<std::string, std::string>> lines{
        {"Unit", unit.tsu_id()},
        {"Name", unit.name()},
        {"State", unit.state()},
        {"Trouble", unit.trouble()},
        {"Revoked", revoked_text(unit)},
        {"Key", unit.key_algorithm()},
        {"Key in use", time_text(unit.usage_from_ms()) + " to " + time_text(unit.usage_until_ms())},
        {"Created", time_text(unit.created_ms())}};
    for (const auto& certificate : unit.chain()) {
        lines.emplace_back("Certificate", certificate.subject_dn());
        lines.emplace_back("  issuer", certificate.issuer_dn());
        lines.emplace_back("  serial", certificate.serial_hex());
        lines.emplace_back("  valid", time_text(certificate.not_before_ms()) + " to " +
                                          time_text(certificate.not_after_ms()));
    }
    print(fields(lines));
}

std::string pem_of(const std::string& der) {
    std::string text = base64_encode(as_bytes(der));
    std::string out = "-----BEGIN CERTIFICATE REQUEST-----\n";
    for (std::size_t i = 0; i < text.size(); i += 64) out += text.substr(i, 64) + "\n";
    return out + "-----END CERTIFICATE REQUEST-----";
}

}  // namespace

nlohmann::json json_of(const sam::Tsu& unit) {
    auto chain = nlohmann::json::array();
    for (const auto& certificate : unit.chain())
        chain.push_back({{"subjectDN", certificate.subject_dn()},
                         {"issuerDN", certificate.issuer_dn()},
                         {"serialNumber", certificate.serial_hex()},
                         {"validFrom", time_text(certificate.not_before_ms())},
                         {"validTo", time_text(certificate.not_after_ms())},
                         {"der", base64_encode(as_bytes(certificate.der()))}});
    auto policies = nlohmann::json::array();
    for (const std::string& policy : unit.policies()) policies.push_back(policy);
    return {{"unitID", unit.tsu_id()},
            {"name", unit.name()},
            {"state", unit.state()},
            {"keyAlgorithm", unit.key_algorithm()},
            {"policies", std::move(policies)},
            {"subject",
             {{"country", unit.subject().country()},
              {"organization", unit.subject().organization()},
              {"organizationIdentifier", unit.subject().organization_identifier()},
              {"commonName", unit.subject().common_name()}}},
            {"chain", std::move(chain)},
            {"created", time_text(unit.created_ms())},
            {"usageFrom", time_text(unit.usage_from_ms())},
            {"usageUntil", time_text(unit.usage_until_ms())},
            {"activated", time_text(unit.activated_ms())},
            {"retired", time_text(unit.retired_ms())},
            {"destroyed", time_text(unit.destroyed_ms())},
            {"revoked", time_text(unit.revoked_ms())},
            {"revocation", unit.revocation()},
            {"onCRL", unit.on_crl()},
            {"trouble", unit.trouble()}};
}

Status show_unit(const Context& context, const sam::AdminResponse& response) {
    if (context.json)
        print_json(json_of(response.tsu()));
    else
        print_unit(response.tsu());
    return {};
}

Status print_created(const Context& context, const sam::TsuCreated& created, const std::string& csr_path) {
    if (!csr_path.empty() && !created.csr().empty())
        SIGILLO_TRY(write_file_durably(csr_path, as_bytes(pem_of(created.csr()) + "\n"), 0644));
    if (context.json) {
        auto json = json_of(created.unit());
        if (!created.csr().empty()) json["csr"] = base64_encode(as_bytes(created.csr()));
        print_json(json);
        return {};
    }
    print_unit(created.unit());
    if (!created.csr().empty())
        print(csr_path.empty() ? "\n" + pem_of(created.csr()) : "Request        " + csr_path);
    return {};
}

}  // namespace sigillo::ctl
