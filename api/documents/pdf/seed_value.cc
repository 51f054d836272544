#include "api/documents/pdf/seed_value.h"

#include <algorithm>

#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

// /Ff of table 234: which entries are demands and not only proposals.
constexpr std::int64_t kFilter = 1;
constexpr std::int64_t kSubFilter = 2;
constexpr std::int64_t kReasons = 8;
constexpr std::int64_t kLegalAttestation = 16;
constexpr std::int64_t kAppearanceFilter = 256;

std::unexpected<Error> conflict(const std::string& why) {
    return fail(Errc::kConflict, why, "field_name");
}

bool lists(const Document& document, const Object* array, const std::string& wanted) {
    if (array == nullptr) return false;
    const PoDoFo::PdfArray& elements = array->GetArray();
    return std::any_of(elements.begin(), elements.end(), [&](const Object& element) {
        const Object* const value = document.resolve(&element);
        if (value == nullptr) return false;
        if (value->IsName()) return value->GetName().GetName() == wanted;
        return (value->IsString() || value->IsHexString()) &&
               decode_text_string(octets_of(value->GetString())) == wanted;
    });
}

std::int64_t flags_of(const Document& document, const Object* dictionary) {
    const Object* const flags = document.get(dictionary, "Ff");
    return flags != nullptr && flags->IsNumber() ? flags->GetNumber() : 0;
}

}  // namespace

Status check_seed_value(const Document& document, const Object* field, const SignatureSpec& spec) {
    const Object* const seed = document.get_dictionary(field, "SV");
    if (seed == nullptr) return {};
    const std::int64_t demands = flags_of(document, seed);
    const std::string sub_filter =
        spec.sub_filter == SubFilter::kRfc3161 ? "ETSI.RFC3161" : "ETSI.CAdES.detached";
    if ((demands & kFilter) != 0 && document.get_name(seed, "Filter") != "Adobe.PPKLite")
        return conflict("the field demands a signature handler that is not Adobe.PPKLite");
    if ((demands & kSubFilter) != 0 && !lists(document, document.get_array(seed, "SubFilter"), sub_filter))
        return conflict("the field demands another encoding than " + sub_filter);
    if ((demands & kReasons) != 0 && !lists(document, document.get_array(seed, "Reasons"), spec.reason))
        return conflict("the field does not list this reason");
    if (flags_of(document, document.get_dictionary(seed, "Cert")) != 0)
        return fail(Errc::kUnsupported, "the field demands certain certificates", "field_name");
    if ((demands & (kLegalAttestation | kAppearanceFilter)) != 0)
        return fail(Errc::kUnsupported, "the field demands a legal attestation or a named appearance",
                    "field_name");
    // /MDP is a demand in any case: 0 an approval, 1 to 3 a certification.
    const Object* const level = document.get(document.get_dictionary(seed, "MDP"), "P");
    if (level != nullptr && level->IsNumber() && level->GetNumber() != static_cast<int>(spec.certification))
        return conflict(level->GetNumber() == 0 ? "the field is for an approval, not for a certification"
                                                : "the field is for a certification of level " +
                                                      std::to_string(level->GetNumber()));
    return {};
}

}  // namespace sigillo::pdf
