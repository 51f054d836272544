// Who a certificate or a request names. Pure data; safe from any thread.
#pragma once

#include <string>
#include <string_view>

#include "appliance/base/result.h"
#include "keystore/openssl/handles.h"

namespace sigillo {

enum class SubjectKind : std::uint8_t {
    kNaturalPerson,  // ETSI EN 319 412-2 §4.2.4
    kLegalPerson,    // ETSI EN 319 412-3 §4.2.1
    kAuthority,      // a CA itself (EN 319 412-2 §4.2.3.1): a legal person whose identifier may be left out
};

// ETSI EN 319 412-1 §5.1.3 (natural persons) and §5.1.4 (legal persons)
enum class IdentifierType : std::uint8_t {
    kTaxNumber,       // TIN; for Italy the codice fiscale
    kPassport,        // PAS
    kIdentityCard,    // IDC
    kPersonalNumber,  // PNO
    kVatNumber,       // VAT, legal persons
    kTradeRegister,   // NTR, legal persons
};

// "TINIT-RSSMRA80A01H501U" of (kTaxNumber, "IT", "RSSMRA80A01H501U").
// kInvalidArgument: `country` is none (base/country.h), or `value` is empty, too long or not a
// PrintableString.
Result<std::string> semantic_identifier(IdentifierType type, std::string_view country,
                                        std::string_view value);

// All text is UTF-8.
struct Subject {
    SubjectKind kind = SubjectKind::kNaturalPerson;
    std::string country;       // ISO 3166-1 alpha-2
    std::string given_name;    // natural persons only, required there
    std::string surname;       // natural persons only, required there
    std::string organization;  // natural person: optional; legal person: its name, required
    // Makes the name unique. Natural person: serialNumber; legal person: organizationIdentifier. Either a
    // semantic_identifier(), or where nobody gave one an opaque id of the appliance: no number is invented.
    std::string identifier;
    // Whether `identifier` is a semantic_identifier(): a certificate then says so (qcStatements, EN 319 412-1
    // §5.1.1).
    bool identifier_is_semantic = false;
    std::string common_name;  // empty: "given surname", or the organisation
};

struct SubjectLimits {
    // Characters of a name. RFC 5280 stops common names at 64, which people's full names pass; EN 319 412-2
    // §4.2.4 lets them be longer. 200 holds every name seen in registers and keeps certificates small.
    std::size_t max_name_characters = 200;
};

// The distinguished name: UTF8String, but PrintableString for country and serialNumber.
// kMissingArgument or kInvalidArgument; `field` names the member as /v1 spells it ("name.given", "country",
// …).
Result<X509NameHandle> encode_subject(const Subject& subject, const SubjectLimits& limits = {});

}  // namespace sigillo
