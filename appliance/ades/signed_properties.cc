#include "appliance/ades/signed_properties.h"

#include <algorithm>
#include <ranges>
#include <set>

#include "appliance/ades/attribute.h"
#include "appliance/base/der.h"
#include "appliance/base/oid.h"
#include "appliance/base/text.h"
#include "keystore/algorithm_identifiers.h"

namespace sigillo::ades {
namespace {

// Whole OBJECT IDENTIFIERs: 1.2.840.113549.1.9.16.{2.16, 2.17, 2.15, 2.4, 5.1}, 0.4.0.1733.2.1, id-data.
constexpr std::uint8_t kCommitmentType[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                            0x0D, 0x01, 0x09, 0x10, 0x02, 0x10};
constexpr std::uint8_t kSignerLocation[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                            0x0D, 0x01, 0x09, 0x10, 0x02, 0x11};
constexpr std::uint8_t kSignaturePolicy[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                             0x0D, 0x01, 0x09, 0x10, 0x02, 0x0F};
constexpr std::uint8_t kContentHints[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                          0x0D, 0x01, 0x09, 0x10, 0x02, 0x04};
constexpr std::uint8_t kPolicyUri[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                       0x0D, 0x01, 0x09, 0x10, 0x05, 0x01};
constexpr std::uint8_t kMimeType[] = {0x06, 0x06, 0x04, 0x00, 0x8D, 0x45, 0x02, 0x01};
constexpr std::string_view kDataContent = "1.2.840.113549.1.7.1";

constexpr std::size_t kAddressLines = 6;  // PostalAddress ::= SEQUENCE SIZE (1..6) OF DirectoryString
constexpr std::uint8_t kIa5String = 0x16;

std::unexpected<Error> wrong(std::string_view property, const std::string& what, Errc code) {
    return fail(code, std::string(property) + ": " + what, "signed_props");
}
std::unexpected<Error> invalid(std::string_view property, const std::string& what) {
    return wrong(property, what, Errc::kInvalidArgument);
}
std::unexpected<Error> too_long(std::string_view property, std::size_t most) {
    return wrong(property, "longer than " + std::to_string(most) + " bytes", Errc::kLimitExceeded);
}

Status check_text(std::string_view property, std::string_view text, std::size_t most) {
    if (text.size() > most) return too_long(property, most);
    if (!count_utf8(text)) return invalid(property, "not UTF-8");
    if (has_deceptive_characters(text))
        return invalid(property, "control characters, or such as change the direction of writing");
    return {};
}

// Content octets.
Result<Bytes> identifier(std::string_view property, std::string_view dotted, const PropertyLimits& limits) {
    if (dotted.size() > limits.oid) return too_long(property, limits.oid);
    auto content = encode_oid(dotted);
    if (!content) return invalid(property, content.error().detail);
    return *std::move(content);
}

// CommitmentTypeIndication { commitmentTypeId } each; qualifiers are a community's own and not offered.
Result<Bytes> commitment_types(const std::vector<std::string>& types, const PropertyLimits& limits) {
    constexpr std::string_view kName = "commitment-type-indication";
    if (types.size() > limits.commitment_types)
        return wrong(kName, "more than " + std::to_string(limits.commitment_types), Errc::kLimitExceeded);
    std::set<Bytes> values;
    for (const std::string& type : types) {
        SIGILLO_ASSIGN(const Bytes oid, identifier(kName, type, limits));
        DerWriter der(8 + oid.size());
        der.element(kDerOid, oid).close(kDerSequence, 0);
        if (!values.insert(der.finish()).second) return invalid(kName, type + " is given twice");
    }
    return attribute(kCommitmentType, set_of({values.begin(), values.end()}));
}

// SignerLocation { countryName [0], localityName [1], postalAddress [2] }: the module has explicit tags.
Result<Bytes> signer_location(const SignerLocation& location, const PropertyLimits& limits) {
    constexpr std::string_view kName = "signer-location";
    const auto& lines = location.postal_address;
    if (location.country.empty() && location.locality.empty() && lines.empty())
        return invalid(kName, "no country, no locality, no postal address");
    if (lines.size() > kAddressLines)
        return wrong(kName, "a postal address has at most 6 lines", Errc::kLimitExceeded);
    SIGILLO_TRY(check_text(kName, location.country, limits.text));
    SIGILLO_TRY(check_text(kName, location.locality, limits.text));
    DerWriter der(1'024);
    if (!lines.empty()) {
        for (const std::string& line : lines | std::views::reverse) {
            SIGILLO_TRY(check_text(kName, line, limits.text));
            if (line.empty()) return invalid(kName, "an empty line in the postal address");
            der.element(kDerUtf8String, as_bytes(line));
        }
        der.close(kDerSequence, 0).close(der_context(2), 0);
    }
    const auto directory_string = [&der](const std::string& text, std::uint8_t tag) {
        if (text.empty()) return;
        const std::size_t mark = der.written();
        der.element(kDerUtf8String, as_bytes(text)).close(der_context(tag), mark);
    };
    directory_string(location.locality, 1);
    directory_string(location.country, 0);
    der.close(kDerSequence, 0);
    return attribute(kSignerLocation, der.view());
}

// SignaturePolicyId { sigPolicyId, sigPolicyHash { hashAlgorithm, hashValue }, { { spuri, IA5String } }? }
Result<Bytes> signature_policy(const SignaturePolicy& policy, const PropertyLimits& limits) {
    constexpr std::string_view kName = "signature-policy-identifier";
    SIGILLO_ASSIGN(const Bytes oid, identifier(kName, policy.oid, limits));
    if (policy.uri.size() > limits.uri) return too_long(kName, limits.uri);
    if (!is_visible_ascii(policy.uri)) return invalid(kName, "a URI of other than visible ASCII");
    DerWriter der(256 + policy.uri.size());
    if (!policy.uri.empty()) {
        der.element(kIa5String, as_bytes(policy.uri)).raw(kPolicyUri);
        der.close(kDerSequence, 0).close(kDerSequence, 0);
    }
    const std::size_t mark = der.written();
    der.element(kDerOctetString, policy.hash.bytes()).raw(digest_algorithm(policy.hash.algorithm()));
    der.close(kDerSequence, mark).element(kDerOid, oid).close(kDerSequence, 0);
    return attribute(kSignaturePolicy, der.view());
}

// ContentHints { contentDescription UTF8String?, contentType } (RFC 2634 §2.9)
Result<Bytes> content_hints(const ContentHints& hints, const PropertyLimits& limits) {
    constexpr std::string_view kName = "content-hints";
    SIGILLO_TRY(check_text(kName, hints.description, limits.text));
    const bool data = hints.content_type.empty();
    // "When the contentType is id-data the contentDescription shall define the presentation format."
    if (hints.description.empty() && (data || hints.content_type == kDataContent))
        return invalid(kName, "content of type id-data needs a description");
    SIGILLO_ASSIGN(const Bytes oid, identifier(kName, data ? kDataContent : hints.content_type, limits));
    DerWriter der(128 + hints.description.size());
    der.element(kDerOid, oid);
    if (!hints.description.empty()) der.element(kDerUtf8String, as_bytes(hints.description));
    der.close(kDerSequence, 0);
    return attribute(kContentHints, der.view());
}

// RFC 2045 §5.1: type "/" subtype, and parameters perhaps.
bool is_mime_type(std::string_view text) {
    const auto is_token = [](std::string_view part) {
        return !part.empty() && std::ranges::all_of(part, [](char c) {
            return c > ' ' && c < '\x7F' &&
                   std::string_view(R"(()<>@,;:\"/[]?=)").find(c) == std::string_view::npos;
        });
    };
    if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7F'; })) return false;
    const std::string_view essence = text.substr(0, text.find(';'));
    const std::size_t slash = essence.find('/');
    if (slash == std::string_view::npos || !is_token(essence.substr(0, slash))) return false;
    std::string_view subtype = essence.substr(slash + 1);
    if (essence.size() < text.size())
        while (subtype.ends_with(' ')) subtype.remove_suffix(1);
    return is_token(subtype);
}

Result<Bytes> mime_type(const std::string& type, const PropertyLimits& limits) {
    constexpr std::string_view kName = "mime-type";
    if (type.size() > limits.text) return too_long(kName, limits.text);
    if (!is_mime_type(type)) return invalid(kName, "not as RFC 2045 has it, like application/pdf");
    DerWriter der(16 + type.size());
    der.element(kDerUtf8String, as_bytes(type));
    return attribute(kMimeType, der.view());
}

}  // namespace

std::string_view format_name(Format format) {
    return format == Format::kCades ? "cades" : "pades";
}

Result<EncodedProperties> encode_properties(Format format, const SignedProperties& properties,
                                            const PropertyLimits& limits) {
    if (format == Format::kPades) {
        if (properties.signer_location)
            return invalid("signer-location", "in a PDF the place stands in /Location");
        if (properties.content_hints) return invalid("content-hints", "not in a PDF");
        if (!properties.mime_type.empty()) return invalid("mime-type", "not in a PDF");
    }
    EncodedProperties encoded;
    const auto add = [&encoded](Result<Bytes> made) -> Status {
        SIGILLO_ASSIGN(Bytes whole, std::move(made));
        encoded.attributes.push_back(std::move(whole));
        return {};
    };
    if (!properties.commitment_types.empty())
        SIGILLO_TRY(add(commitment_types(properties.commitment_types, limits)));
    if (properties.signer_location) SIGILLO_TRY(add(signer_location(*properties.signer_location, limits)));
    if (properties.signature_policy) SIGILLO_TRY(add(signature_policy(*properties.signature_policy, limits)));
    if (properties.content_hints) SIGILLO_TRY(add(content_hints(*properties.content_hints, limits)));
    if (!properties.mime_type.empty()) SIGILLO_TRY(add(mime_type(properties.mime_type, limits)));
    return encoded;
}

}  // namespace sigillo::ades
