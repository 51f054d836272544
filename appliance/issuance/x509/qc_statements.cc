// QCStatements ::= SEQUENCE OF SEQUENCE { statementId OBJECT IDENTIFIER, statementInfo ANY OPTIONAL }
#include "appliance/base/der.h"
#include "appliance/base/oid.h"
#include "appliance/issuance/x509/certificate_facts.h"

namespace sigillo {
namespace {

constexpr std::string_view kQcCompliance = "0.4.0.1862.1.1";
constexpr std::string_view kQcSscd = "0.4.0.1862.1.4";
constexpr std::string_view kQcType = "0.4.0.1862.1.6";
constexpr std::string_view kQcLegislation = "0.4.0.1862.1.7";
constexpr std::string_view kTypeArc = "0.4.0.1862.1.6.";

std::unexpected<Error> malformed(std::string_view what) {
    return fail(Errc::kInvalidArgument, "qcStatements: " + std::string(what), "certificate");
}

// QcType ::= SEQUENCE OF OBJECT IDENTIFIER
Status read_types(DerReader info, QcStatements& out) {
    const auto list = info.next(kDerSequence);
    if (!list || !info.empty()) return malformed("QcType is no sequence");
    for (DerReader types(list->content); !types.empty();) {
        const auto id = types.next(kDerOid);
        const auto oid = id ? dotted_oid(id->content) : std::nullopt;
        if (!oid) return malformed("QcType holds something other than identifiers");
        if (*oid == std::string(kTypeArc) + "1") out.types.push_back(QcType::kSignature);
        if (*oid == std::string(kTypeArc) + "2") out.types.push_back(QcType::kSeal);
        if (*oid == std::string(kTypeArc) + "3") out.types.push_back(QcType::kWeb);
    }
    return {};
}

// QcCClegislation ::= SEQUENCE OF PrintableString (SIZE (2))
Status read_legislation(DerReader info, QcStatements& out) {
    const auto list = info.next(kDerSequence);
    if (!list || !info.empty()) return malformed("QcCClegislation is no sequence");
    for (DerReader countries(list->content); !countries.empty();) {
        const auto country = countries.next(kDerPrintableString);
        const std::string_view letters = country ? as_text(country->content) : std::string_view();
        if (letters.size() != 2 || letters[0] < 'A' || letters[0] > 'Z' || letters[1] < 'A' ||
            letters[1] > 'Z')
            return malformed("QcCClegislation holds something other than countries");
        out.legislation.emplace_back(letters);
    }
    return {};
}

}  // namespace

Result<QcStatements> parse_qc_statements(ByteView extension_value) {
    QcStatements out;
    DerReader outer(extension_value);
    const auto list = outer.next(kDerSequence);
    if (!list || !outer.empty()) return malformed("no sequence");
    for (DerReader statements(list->content); !statements.empty();) {
        const auto statement = statements.next(kDerSequence);
        if (!statement) return malformed("a statement is no sequence");
        DerReader fields(statement->content);
        const auto id = fields.next(kDerOid);
        const auto oid = id ? dotted_oid(id->content) : std::nullopt;
        if (!oid) return malformed("a statement has no identifier");
        // QcCompliance and QcSSCD carry no information: anything there would be a claim that is not
        // understood.
        if ((*oid == kQcCompliance || *oid == kQcSscd) && !fields.empty())
            return malformed(*oid + " carries information");
        if (*oid == kQcCompliance) out.qc_compliance = true;
        if (*oid == kQcSscd) out.qc_sscd = true;
        if (*oid == kQcType) SIGILLO_TRY(read_types(fields, out));
        if (*oid == kQcLegislation) SIGILLO_TRY(read_legislation(fields, out));
        out.statement_oids.push_back(*oid);
    }
    return out;
}

}  // namespace sigillo
