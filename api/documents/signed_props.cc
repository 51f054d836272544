#include "api/documents/signed_props.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "api/json/decode.h"
#include "appliance/base/der.h"
#include "appliance/base/digest.h"
#include "appliance/base/encoding.h"
#include "appliance/base/oid.h"

namespace sigillo::api::documents {
namespace {

constexpr std::size_t kLongestText = 1'024;

std::optional<std::string> oid_text(const DerElement& element) {
    if (element.tag != kDerOid || !is_der_oid(element.content)) return std::nullopt;
    return dotted_oid(element.content);
}

// The one element of a DER text, and nothing after it.
std::optional<DerElement> only(ByteView der, std::uint8_t tag) {
    DerReader reader(der);
    const auto element = reader.next(tag);
    return element && reader.empty() ? element : std::nullopt;
}

std::optional<std::string> utf8(ByteView bytes) {
    const auto text = as_text(bytes);
    if (text.empty() || text.size() > kLongestText ||
        json::find_invalid_utf8(text) != std::string_view::npos ||
        std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        return std::nullopt;
    return std::string(text);
}

// DirectoryString, in the two forms that certificates use today.
std::optional<std::string> directory_string(const DerElement& element) {
    if (element.tag != kDerUtf8String && element.tag != kDerPrintableString) return std::nullopt;
    return utf8(element.content);
}

// EN 319 122-1 §5.2.3: CommitmentTypeIndication; qualifiers are not offered.
bool commitment_type(ByteView der, SignedProps& out) {
    const auto sequence = only(der, kDerSequence);
    if (!sequence) return false;
    DerReader reader(sequence->content);
    const auto element = reader.next(kDerOid);
    const auto oid = element ? oid_text(*element) : std::nullopt;
    if (!oid || !reader.empty()) return false;
    out.properties.add_commitment_types(*oid);
    return true;
}

// §5.2.5: SignerLocation ::= SEQUENCE { [0] DirectoryString, [1] DirectoryString, [2] SEQUENCE OF }
bool signer_location(ByteView der, SignedProps& out) {
    const auto sequence = only(der, kDerSequence);
    if (!sequence || sequence->content.empty()) return false;
    DerReader reader(sequence->content);
    auto& location = *out.properties.mutable_signer_location();
    const auto text_of = [](const DerElement& tagged) -> std::optional<std::string> {
        DerReader inner(tagged.content);
        const auto element = inner.next();
        return element && inner.empty() ? directory_string(*element) : std::nullopt;
    };
    if (const auto country = reader.next(der_context(0))) {
        const auto text = text_of(*country);
        if (!text) return false;
        location.set_country(*text);
    }
    if (const auto locality = reader.next(der_context(1))) {
        const auto text = text_of(*locality);
        if (!text) return false;
        location.set_locality(*text);
    }
    if (const auto address = reader.next(der_context(2))) {
        // Explicit or implicit: writers do both.
        DerReader inner(address->content);
        ByteView lines = address->content;
        if (const auto explicit_sequence = inner.next(kDerSequence); explicit_sequence && inner.empty())
            lines = explicit_sequence->content;
        DerReader items(lines);
        while (const auto line = items.next()) {
            const auto text = directory_string(*line);
            if (!text || location.postal_address_size() >= 6) return false;
            location.add_postal_address(*text);
        }
        if (!items.empty()) return false;
    }
    return reader.empty();
}

std::optional<HashAlgorithm> hash_of(const DerElement& identifier) {
    DerReader reader(identifier.content);
    const auto oid = reader.next(kDerOid);
    const auto text = oid ? oid_text(*oid) : std::nullopt;
    if (!text) return std::nullopt;
    if (const auto null = reader.next(kDerNull); null && !null->content.empty()) return std::nullopt;
    return reader.empty() ? hash_from_oid(*text) : std::nullopt;
}

// §5.2.9.1: SignaturePolicyId, with SPuri as the only qualifier.
bool signature_policy(ByteView der, SignedProps& out) {
    const auto sequence = only(der, kDerSequence);
    if (!sequence) return false;
    DerReader reader(sequence->content);
    const auto id = reader.next(kDerOid);
    const auto oid = id ? oid_text(*id) : std::nullopt;
    const auto hash_sequence = reader.next(kDerSequence);
    if (!oid || !hash_sequence) return false;
    DerReader hash(hash_sequence->content);
    const auto identifier = hash.next(kDerSequence);
    const auto value = hash.next(kDerOctetString);
    if (!identifier || !value || !hash.empty()) return false;
    const auto algorithm = hash_of(*identifier);
    if (!algorithm || value->content.size() != digest_size(*algorithm)) return false;
    auto& policy = *out.properties.mutable_signature_policy();
    policy.set_oid(*oid);
    policy.set_hash_algorithm(static_cast<std::uint32_t>(*algorithm));
    policy.set_hash(std::string(as_text(value->content)));
    if (const auto qualifiers = reader.next(kDerSequence)) {
        DerReader list(qualifiers->content);
        const auto qualifier = list.next(kDerSequence);
        if (!qualifier || !list.empty()) return false;
        DerReader inner(qualifier->content);
        const auto kind = inner.next(kDerOid);
        const auto uri = inner.next();
        constexpr std::uint8_t kIa5String = 0x16;
        if (!kind || oid_text(*kind) != "1.2.840.113549.1.9.16.5.1" || !uri || uri->tag != kIa5String ||
            !inner.empty())
            return false;
        const auto text = utf8(uri->content);
        if (!text) return false;
        policy.set_uri(*text);
    }
    return reader.empty();
}

// §5.2.4.1: ContentHints ::= SEQUENCE { contentDescription UTF8String OPTIONAL, contentType }
bool content_hints(ByteView der, SignedProps& out) {
    const auto sequence = only(der, kDerSequence);
    if (!sequence) return false;
    DerReader reader(sequence->content);
    auto& hints = *out.properties.mutable_content_hints();
    if (const auto description = reader.next(kDerUtf8String)) {
        const auto text = utf8(description->content);
        if (!text) return false;
        hints.set_description(*text);
    }
    const auto type = reader.next(kDerOid);
    const auto oid = type ? oid_text(*type) : std::nullopt;
    if (!oid || !reader.empty()) return false;
    hints.set_content_type(*oid);
    return true;
}

bool mime_type(ByteView der, SignedProps& out) {
    const auto element = only(der, kDerUtf8String);
    const auto text = element ? utf8(element->content) : std::nullopt;
    if (!text) return false;
    out.properties.set_mime_type(*text);
    return true;
}

template <std::string SignedProps::* Member>
bool dictionary_text(ByteView bytes, SignedProps& out) {
    const auto text = utf8(bytes);
    if (!text) return false;
    out.*Member = *text;
    return true;
}

struct Attribute {
    std::string_view name, oid;
    bool cades, pades;
    bool (*read)(ByteView, SignedProps&);  // nullptr: always there, and ours to compute
};
constexpr std::array kAttributes = {
    Attribute{"content-type", "1.2.840.113549.1.9.3", true, true, nullptr},
    Attribute{"message-digest", "1.2.840.113549.1.9.4", true, true, nullptr},
    Attribute{"signing-time", "1.2.840.113549.1.9.5", true, false, nullptr},
    Attribute{"signing-certificate-v2", "1.2.840.113549.1.9.16.2.47", true, true, nullptr},
    Attribute{"commitment-type-indication", "1.2.840.113549.1.9.16.2.16", true, true, &commitment_type},
    Attribute{"signer-location", "1.2.840.113549.1.9.16.2.17", true, false, &signer_location},
    Attribute{"signature-policy-identifier", "1.2.840.113549.1.9.16.2.15", true, true, &signature_policy},
    Attribute{"content-hints", "1.2.840.113549.1.9.16.2.4", true, false, &content_hints},
    Attribute{"mime-type", "0.4.0.1733.2.1", true, false, &mime_type},
    Attribute{"Location", "", false, true, &dictionary_text<&SignedProps::location>},
    Attribute{"Reason", "", false, true, &dictionary_text<&SignedProps::reason>},
    Attribute{"Name", "", false, true, &dictionary_text<&SignedProps::name>},
    Attribute{"ContactInfo", "", false, true, &dictionary_text<&SignedProps::contact_info>},
};

const Attribute* attribute_of(std::string_view name) {
    for (const auto& attribute : kAttributes)
        if (attribute.name == name || (!attribute.oid.empty() && attribute.oid == name)) return &attribute;
    return nullptr;
}

}  // namespace

std::expected<SignedProps, std::vector<std::string>> read_signed_props(const json::Array& props,
                                                                       Format format) {
    SignedProps out;
    std::vector<std::string> wrong;
    std::set<const Attribute*> seen;
    for (const auto& prop : props) {
        const auto* object = prop.object();
        const auto* name = object != nullptr ? json::find(*object, "attribute_name") : nullptr;
        if (name == nullptr || name->string() == nullptr) {
            wrong.emplace_back("attribute_name");
            continue;
        }
        const auto member = json::find(*object, "attribute_value");
        const auto* value = member != nullptr && !member->is_null() ? member->string() : nullptr;
        const bool given = member != nullptr && !member->is_null();
        const bool surplus = object->size() > (member != nullptr ? 2U : 1U);
        const Attribute* attribute = attribute_of(*name->string());
        bool good = attribute != nullptr && !surplus &&
                    (format == Format::kCades ? attribute->cades : attribute->pades);
        // Several commitment types may stand side by side; all others once.
        good = good && (seen.insert(attribute).second || attribute->read == &commitment_type);
        if (good && attribute->read == nullptr) {
            good = !given;
        } else if (good) {
            const auto bytes =
                value != nullptr ? base64_decode(*value) : Result<Bytes>(fail(Errc::kInvalidArgument, ""));
            good = bytes && attribute->read(*bytes, out);
        }
        if (!good) wrong.push_back(*name->string());
    }
    if (!wrong.empty()) return std::unexpected(std::move(wrong));
    return out;
}

}  // namespace sigillo::api::documents
