#include "appliance/issuance/x509/subject.h"

#include <openssl/objects.h>

#include "appliance/base/country.h"
#include "appliance/base/text.h"

namespace sigillo {
namespace {

// X.520 ub-serial-number.
constexpr std::size_t kMaxIdentifier = 64;

std::string_view type_code(IdentifierType type) {
    switch (type) {
        case IdentifierType::kTaxNumber:
            return "TIN";
        case IdentifierType::kPassport:
            return "PAS";
        case IdentifierType::kIdentityCard:
            return "IDC";
        case IdentifierType::kPersonalNumber:
            return "PNO";
        case IdentifierType::kVatNumber:
            return "VAT";
        case IdentifierType::kTradeRegister:
            return "NTR";
    }
    return "";
}

Status check_name(std::string_view text, const char* field, const SubjectLimits& limits) {
    if (text.empty()) return fail(Errc::kMissingArgument, std::string(field) + " is missing", field);
    const auto characters = count_utf8(text);
    if (!characters) return fail(Errc::kInvalidArgument, std::string(field) + " is not UTF-8", field);
    if (*characters > limits.max_name_characters)
        return fail(Errc::kInvalidArgument,
                    std::string(field) + " is longer than " + std::to_string(limits.max_name_characters) +
                        " characters",
                    field);
    if (has_deceptive_characters(text))
        return fail(Errc::kInvalidArgument, std::string(field) + " holds control characters", field);
    if (text.front() == ' ' || text.back() == ' ')
        return fail(Errc::kInvalidArgument, std::string(field) + " begins or ends with a space", field);
    return {};
}

Status check_identifier(std::string_view text) {
    if (text.empty())
        return fail(Errc::kMissingArgument, "no identifier that makes the name unique", "identifiers");
    if (text.size() > kMaxIdentifier || !is_printable_string(text) || text.front() == ' ' ||
        text.back() == ' ')
        return fail(Errc::kInvalidArgument, "identifier is not a PrintableString of at most 64 characters",
                    "identifiers");
    return {};
}

// Straight to the type: libcrypto's table of bounds would stop names at RFC 5280's 64 characters.
Status add(X509_NAME* name, int nid, int type, std::string_view text) {
    const auto* octets = reinterpret_cast<const unsigned char*>(text.data());
    if (X509_NAME_add_entry_by_NID(name, nid, type, octets, static_cast<int>(text.size()), -1, 0) != 1)
        return fail(Errc::kInternal, std::string("libcrypto refused the attribute ") + OBJ_nid2sn(nid));
    return {};
}

}  // namespace

Result<std::string> semantic_identifier(IdentifierType type, std::string_view country,
                                        std::string_view value) {
    if (!is_country(country)) return std::unexpected(no_country(country));
    std::string text = std::string(type_code(type)) + std::string(country) + "-" + std::string(value);
    if (value.empty()) return fail(Errc::kInvalidArgument, "identifier is empty", "identifiers");
    SIGILLO_TRY(check_identifier(text));
    return text;
}

Result<X509NameHandle> encode_subject(const Subject& subject, const SubjectLimits& limits) {
    if (subject.country.empty()) return fail(Errc::kMissingArgument, "country is missing", "country");
    if (!is_country(subject.country)) return std::unexpected(no_country(subject.country));
    if (subject.kind != SubjectKind::kAuthority || !subject.identifier.empty())
        SIGILLO_TRY(check_identifier(subject.identifier));
    const bool natural = subject.kind == SubjectKind::kNaturalPerson;
    if (natural) {
        SIGILLO_TRY(check_name(subject.given_name, "name.given", limits));
        SIGILLO_TRY(check_name(subject.surname, "name.family", limits));
    }
    if (!natural || !subject.organization.empty())
        SIGILLO_TRY(check_name(subject.organization, "organization", limits));
    std::string common_name = subject.common_name;
    if (common_name.empty())
        common_name = natural ? subject.given_name + " " + subject.surname : subject.organization;
    // Two full names with the space between them.
    SIGILLO_TRY(check_name(common_name, "name", {.max_name_characters = 2 * limits.max_name_characters + 1}));

    X509NameHandle name(X509_NAME_new());
    if (name == nullptr) return fail(Errc::kInternal, "out of memory");
    SIGILLO_TRY(add(name.get(), NID_countryName, V_ASN1_PRINTABLESTRING, subject.country));
    if (!subject.organization.empty())
        SIGILLO_TRY(add(name.get(), NID_organizationName, V_ASN1_UTF8STRING, subject.organization));
    if (natural) {
        SIGILLO_TRY(add(name.get(), NID_surname, V_ASN1_UTF8STRING, subject.surname));
        SIGILLO_TRY(add(name.get(), NID_givenName, V_ASN1_UTF8STRING, subject.given_name));
        SIGILLO_TRY(add(name.get(), NID_serialNumber, V_ASN1_PRINTABLESTRING, subject.identifier));
    } else if (!subject.identifier.empty()) {
        SIGILLO_TRY(add(name.get(), NID_organizationIdentifier, V_ASN1_UTF8STRING, subject.identifier));
    }
    SIGILLO_TRY(add(name.get(), NID_commonName, V_ASN1_UTF8STRING, common_name));
    return name;
}

}  // namespace sigillo
