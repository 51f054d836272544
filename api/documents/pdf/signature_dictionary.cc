#include "api/documents/pdf/signature_dictionary.h"

#include <utility>

#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

constexpr std::size_t kRangeDigits = 10;  // Revision allows no offset of more
constexpr std::size_t kSmallestGap = 1'024;

Status check_text(const std::string& text, const char* field, const Limits& limits) {
    if (text.size() > limits.text_bytes)
        return fail(Errc::kLimitExceeded,
                    std::string(field) + " has more than " + std::to_string(limits.text_bytes) + " octets",
                    field);
    if (!from_utf8(text)) return fail(Errc::kInvalidArgument, std::string(field) + " is not UTF-8", field);
    return {};
}

void add_text(const char* key, const std::string& text, std::string& out) {
    if (!text.empty()) out += '/' + std::string(key) + ' ' + text_string(text) + '\n';
}

// ISO 32000-1 §12.8.1, table 253: what a validator compares the document for.
std::string reference_dictionary(const char* method, const std::string& parameters, Reference catalog) {
    return "<</Type /SigRef/TransformMethod /" + std::string(method) + "/Data " + to_source(catalog) +
           "/TransformParams <</Type /TransformParams/V /1.2" + parameters + ">>>>";
}

}  // namespace

std::string lock_entries(const FieldLock& lock) {
    if (lock.action == LockAction::kAll) return "/Action /All";
    std::string out = lock.action == LockAction::kInclude ? "/Action /Include" : "/Action /Exclude";
    out += "/Fields [";
    for (const std::string& field : lock.fields) out += text_string(field);
    return out + ']';
}

Status check_spec(const SignatureSpec& spec, const Limits& limits) {
    for (const auto& [text, field] :
         {std::pair(&spec.name, "name"), std::pair(&spec.reason, "reason"),
          std::pair(&spec.location, "location"), std::pair(&spec.contact_info, "contact_info"),
          std::pair(&spec.field_name, "field_name")})
        SIGILLO_TRY(check_text(*text, field, limits));
    for (const auto& [key, value] : spec.placeholders) SIGILLO_TRY(check_text(value, "placeholders", limits));
    if (spec.lock)
        for (const std::string& name : spec.lock->fields) SIGILLO_TRY(check_text(name, "lock", limits));
    if (spec.contents_size < kSmallestGap || spec.contents_size > limits.contents_bytes)
        return fail(Errc::kLimitExceeded,
                    "contents_size lies between " + std::to_string(kSmallestGap) + " and " +
                        std::to_string(limits.contents_bytes) + " octets",
                    "contents_size");
    if (spec.lock && spec.sub_filter == SubFilter::kRfc3161)
        return fail(Errc::kInvalidArgument, "a document time-stamp locks no fields", "lock");
    if (spec.lock && spec.field_use == FieldUse::kExisting)
        return fail(Errc::kInvalidArgument, "a field that exists has a lock of its own, or none", "lock");
    for (const LaterField& field : spec.later_fields) {
        SIGILLO_TRY(check_text(field.name, "later_fields", limits));
        if (field.name.empty())
            return fail(Errc::kMissingArgument, "a field for later has no name", "later_fields");
    }
    if (spec.clauses.size() + spec.later_fields.size() + 1 > limits.areas)
        return fail(Errc::kLimitExceeded,
                    "a signature has at most " + std::to_string(limits.areas) + " areas", "clauses");
    return {};
}

SignatureDictionary::SignatureDictionary(const SignatureSpec& spec, const std::optional<FieldLock>& lock,
                                         std::optional<Certification> lock_mdp, Reference catalog)
    : contents_size_(spec.contents_size) {
    const bool time_stamp = spec.sub_filter == SubFilter::kRfc3161;
    source_ = time_stamp ? "<</Type /DocTimeStamp\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.RFC3161\n"
                         : "<</Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached\n";
    if (!time_stamp) {
        add_text("Name", spec.name, source_);
        add_text("Reason", spec.reason, source_);
        add_text("Location", spec.location, source_);
        add_text("ContactInfo", spec.contact_info, source_);
        if (spec.signing_time) source_ += "/M " + date_string(*spec.signing_time) + '\n';
        std::string references;
        if (spec.certification != Certification::kNone)
            references += reference_dictionary(
                "DocMDP", "/P " + std::to_string(static_cast<int>(spec.certification)), catalog);
        if (lock)
            references += reference_dictionary(
                "FieldMDP",
                lock_entries(*lock) +
                    (lock_mdp ? "/P " + std::to_string(static_cast<int>(*lock_mdp)) : std::string()),
                catalog);
        if (!references.empty()) source_ += "/Reference [" + references + "]\n";
    }
    source_ += "/ByteRange [0 ";
    range_in_source_ = source_.size();
    source_ += std::string(3 * kRangeDigits + 2, ' ') + "]\n/Contents ";
    contents_in_source_ = source_.size();
    source_ += '<' + std::string(2 * contents_size_, '0') + ">>>";
}

void SignatureDictionary::put(Reference reference, Revision& revision) {
    const std::uint64_t begin = revision.put(reference, source_);
    contents_ = begin + contents_in_source_;
    range_ = begin + range_in_source_;
}

std::array<std::uint64_t, 4> SignatureDictionary::close(Revision& revision) const {
    const std::uint64_t behind = contents_ + 2 * contents_size_ + 2;
    const std::array<std::uint64_t, 4> range{0, contents_, behind, revision.file_size() - behind};
    revision.patch(
        range_, std::to_string(range[1]) + ' ' + std::to_string(range[2]) + ' ' + std::to_string(range[3]));
    return range;
}

}  // namespace sigillo::pdf
