#include "api/documents/pdf/signatures.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cctype>
#include <tuple>

#include "api/documents/pdf/text_string.h"
#include "appliance/base/encoding.h"

namespace sigillo::pdf {
namespace {

// EN 319 142-1 §5.4.2.3 names a signature by SHA-1: a name, not a protection.
std::string upper_sha1(ByteView bytes) {
    Bytes digest(SHA_DIGEST_LENGTH);
    ::SHA1(bytes.data(), bytes.size(), digest.data());
    std::string text = hex_encode(digest);
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

// The first DER element's length, when it fits.
Bytes without_padding(ByteView contents) {
    // Prepared, and not signed yet.
    if (std::all_of(contents.begin(), contents.end(), [](std::uint8_t octet) { return octet == 0; }))
        return {};
    if (contents.size() < 2 || contents[0] != 0x30) return to_bytes(contents);
    std::size_t length = contents[1];
    std::size_t header = 2;
    if (length >= 0x80) {
        const std::size_t octets = length & 0x7FU;
        if (octets == 0 || octets > 4 || contents.size() < 2 + octets) return to_bytes(contents);
        length = 0;
        for (std::size_t i = 0; i < octets; ++i) length = (length << 8) | contents[2 + i];
        header += octets;
    }
    if (length > contents.size() - header) return to_bytes(contents);
    return to_bytes(contents.first(header + length));
}

// The hexadecimal string in the gap, decoded; nothing when there is anything else.
std::optional<Bytes> gap_contents(std::string_view gap) {
    if (gap.size() < 2 || gap.front() != '<' || gap.back() != '>') return std::nullopt;
    std::string digits;
    for (const char c : gap.substr(1, gap.size() - 2)) {
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        digits += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (digits.size() % 2 != 0) digits += '0';
    auto decoded = hex_decode(digits);
    if (!decoded) return std::nullopt;
    return *std::move(decoded);
}

// Ends with "%%EOF" and at most one end of line: the end of a revision.
bool ends_revision(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    return text.ends_with("%%EOF");
}

void read_byte_range(const Document& document, const Object* dictionary, ByteView contents,
                     SignatureInfo& info) {
    const Object* const array = document.get_array(dictionary, "ByteRange");
    if (array == nullptr || array->GetArray().size() != 4) return;
    for (std::size_t i = 0; i < 4; ++i) {
        const Object* const value = document.resolve(&array->GetArray()[i]);
        if (value == nullptr || !value->IsNumber() || value->GetNumber() < 0) return;
        info.byte_range[i] = static_cast<std::uint64_t>(value->GetNumber());
    }
    const auto& [from, before, behind, rest] = info.byte_range;
    const std::uint64_t size = document.file().size();
    if (before > size || behind > size || rest > size - behind || behind < before) return;
    info.revision_size = behind + rest;
    const std::string_view text = as_text(document.file());
    const auto in_gap = gap_contents(text.substr(before, behind - before));
    info.byte_range_sound = from == 0 && before > 0 && in_gap && equal(*in_gap, contents) &&
                            ends_revision(text.substr(0, info.revision_size));
    info.covers_whole_file = info.byte_range_sound && info.revision_size == size;
}

void read_references(const Document& document, const Object* dictionary, SignatureInfo& info) {
    const Object* const array = document.get_array(dictionary, "Reference");
    if (array == nullptr) return;
    for (const Object& element : array->GetArray()) {
        const Object* const reference = document.resolve(&element);
        const std::string method = document.get_name(reference, "TransformMethod");
        const Object* const parameters = document.get_dictionary(reference, "TransformParams");
        // Without /P it is 2 (ISO 32000-2 table 257).
        if (method == "DocMDP")
            info.certification = read_permission(document, parameters).value_or(Certification::kFormFilling);
        if (method == "FieldMDP") info.lock = read_lock(document, parameters);
    }
}

Result<SignatureInfo> read_one(const Document& document, const SignatureField& field) {
    SignatureInfo info;
    const Object* const dictionary = field.value;
    info.type = document.get_name(dictionary, "Type");
    if (info.type.empty()) info.type = "Sig";
    info.filter = document.get_name(dictionary, "Filter");
    info.sub_filter = document.get_name(dictionary, "SubFilter");
    info.name = document.get_text(dictionary, "Name");
    info.reason = document.get_text(dictionary, "Reason");
    info.location = document.get_text(dictionary, "Location");
    info.contact_info = document.get_text(dictionary, "ContactInfo");
    info.signing_time = document.get_text(dictionary, "M");
    Bytes contents;
    if (const Object* const value = document.get(dictionary, "Contents");
        value != nullptr && (value->IsString() || value->IsHexString()))
        contents = octets_of(value->GetString());
    if (contents.size() > document.limits().contents_bytes)
        return fail(Errc::kLimitExceeded,
                    "the signature in field " + field.name + " has more than " +
                        std::to_string(document.limits().contents_bytes) + " octets",
                    "document");
    info.vri_key = upper_sha1(contents);
    info.cms = without_padding(contents);
    read_byte_range(document, dictionary, contents, info);
    read_references(document, dictionary, info);
    return info;
}

}  // namespace

Result<std::vector<SignatureInfo>> read_signatures(const Document& document, const Form& form) {
    std::vector<SignatureInfo> signatures;
    std::vector<Reference> values;
    for (const SignatureField& field : form.signatures) {
        if (field.value == nullptr) continue;
        const auto same = field.value_reference.number == 0
                              ? values.end()
                              : std::find(values.begin(), values.end(), field.value_reference);
        if (same != values.end()) {
            signatures[static_cast<std::size_t>(same - values.begin())].fields.push_back(field.name);
            continue;
        }
        SIGILLO_ASSIGN(SignatureInfo info, read_one(document, field));
        info.fields.push_back(field.name);
        values.push_back(field.value_reference);
        signatures.push_back(std::move(info));
    }
    // Equal sizes are of broken signatures alone; by name, so that the order is always the same.
    std::sort(signatures.begin(), signatures.end(), [](const SignatureInfo& a, const SignatureInfo& b) {
        return std::tie(a.revision_size, a.fields.front()) < std::tie(b.revision_size, b.fields.front());
    });
    return signatures;
}

std::optional<Certification> allowed_changes(const Document& document,
                                             const std::vector<SignatureInfo>& signatures) {
    std::optional<Certification> allowed;
    const auto restrict = [&](Certification level) { allowed = allowed ? std::min(*allowed, level) : level; };
    const Object* const permissions = document.get_dictionary(&document.catalog(), "Perms");
    if (const Object* const signature = document.get_dictionary(permissions, "DocMDP")) {
        SignatureInfo info;
        read_references(document, signature, info);
        restrict(info.certification.value_or(Certification::kFormFilling));
    }
    for (const SignatureInfo& signature : signatures)
        if (signature.certification) restrict(*signature.certification);
    return allowed;
}

Status check_permissions(const std::vector<SignatureInfo>& signatures, std::optional<Certification> allowed,
                         const SignatureSpec& spec, const std::string& name) {
    const bool time_stamp = spec.sub_filter == SubFilter::kRfc3161;
    if (spec.certification != Certification::kNone) {
        if (time_stamp)
            return fail(Errc::kInvalidArgument, "a document time-stamp cannot certify", "certification");
        if (!signatures.empty() || allowed)
            return fail(Errc::kConflict,
                        "only the first signature can certify a document, and this one is signed already",
                        "certification");
    }
    // Time-stamps and validation data are no changes (ISO 32000-2 table 257).
    if (time_stamp) return {};
    if (allowed == Certification::kNoChanges)
        return fail(Errc::kConflict, "the document is certified, and allows no further signatures",
                    "certification");
    for (const SignatureInfo& signature : signatures)
        if (signature.lock && covers(*signature.lock, name))
            return fail(Errc::kConflict,
                        "field " + name + " is locked by the signature in field " + signature.fields.front(),
                        "field_name");
    return {};
}

}  // namespace sigillo::pdf
