#include "api/documents/pdf/prepare.h"

#include <algorithm>

#include "api/documents/pdf/changes.h"
#include "api/documents/pdf/drawing/artist.h"
#include "api/documents/pdf/field_writer.h"
#include "api/documents/pdf/mapped_file.h"
#include "api/documents/pdf/seed_value.h"
#include "api/documents/pdf/signature_dictionary.h"
#include "api/documents/pdf/signatures.h"
#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

Words words_for(const SignatureSpec& spec) {
    Words words{{"name", spec.name},
                {"reason", spec.reason},
                {"location", spec.location},
                {"contact", spec.contact_info},
                {"time", ""}};
    if (spec.signing_time) {
        const std::string time = rfc3339(*spec.signing_time);  // "2026-11-23T09:15:00.123Z"
        // No line ends before "UTC".
        words["time"] = time.substr(0, 10) + ' ' + time.substr(11, 8) + "\u00a0UTC";
    }
    for (const auto& [key, value] : spec.placeholders) words[key] = value;
    return words;
}

Status check_new_name(const std::string& name, const Form& form) {
    if (name.find('.') != std::string::npos)
        return fail(Errc::kInvalidArgument, "a new field's name has no full stop", "field_name");
    if (form.names.contains(name))
        return fail(Errc::kAlreadyExists, "there is a field of the name " + name, "field_name");
    return {};
}

Result<std::string> new_name(const SignatureSpec& spec, const Form& form) {
    if (!spec.field_name.empty()) {
        SIGILLO_TRY(check_new_name(spec.field_name, form));
        return spec.field_name;
    }
    const std::string stem = spec.sub_filter == SubFilter::kRfc3161 ? "Timestamp" : "Signature";
    for (std::size_t n = 1;; ++n)
        if (std::string name = stem + std::to_string(n); !form.names.contains(name)) return name;
}

Result<const SignatureField*> existing_field(const std::string& name, const Form& form) {
    for (const SignatureField& field : form.signatures) {
        if (field.name != name) continue;
        if (field.value != nullptr)
            return fail(Errc::kConflict, "field " + name + " is signed already", "field_name");
        if (field.reference.number == 0)
            return fail(Errc::kUnsupported, "field " + name + " is no object of its own", "field_name");
        return &field;
    }
    if (form.names.contains(name))
        return fail(Errc::kInvalidArgument, "field " + name + " is no signature field", "field_name");
    return fail(Errc::kNotFound, "there is no field of the name " + name, "field_name");
}

// A certified document takes no new visible field: its certifier's validator would see an annotation added.
Status check_visibility(const SignatureSpec& spec, std::optional<Certification> allowed) {
    if (spec.sub_filter == SubFilter::kRfc3161 && (spec.rectangle || !spec.clauses.empty()))
        return fail(Errc::kInvalidArgument, "a document time-stamp is invisible", "position");
    if (allowed && (spec.rectangle || !spec.clauses.empty() || !spec.later_fields.empty()))
        return fail(Errc::kConflict,
                    "the document is certified: a further signature is invisible, or stands in a field that "
                    "was there "
                    "when it was certified",
                    "position");
    return {};
}

// One signature's way into the document.
class Preparation {
 public:
    Preparation(const Document& document, const SignatureSpec& spec, const Fonts& fonts, Revision& revision)
        : document_(document),
          spec_(spec),
          revision_(revision),
          words_(words_for(spec)),
          changes_(document, revision),
          artist_(fonts, words_, document.limits(), revision),
          fields_(document, artist_, changes_, revision) {}

    Result<Prepared> run();

 private:
    Result<const SignatureField*> check();
    Status sign_field(const SignatureField* existing);
    Status create_clauses();
    Status create_later_fields();
    Status certify();

    const Document& document_;
    const SignatureSpec& spec_;
    Revision& revision_;
    const Words words_;
    Changes changes_;
    Artist artist_;
    FieldWriter fields_;
    Form form_;
    std::string name_;  // of the field that is signed
    Reference value_;
};

// Whether the signature may be made; the field that is there for it, if one is to be used.
Result<const SignatureField*> Preparation::check() {
    SIGILLO_ASSIGN(form_, read_form(document_));
    if (form_.xfa)
        return fail(
            Errc::kUnsupported,
            "the document is an XFA form, whose pages are made by a program in it: print it to PDF first",
            "document");
    SIGILLO_ASSIGN(const std::vector<SignatureInfo> signatures, read_signatures(document_, form_));
    const std::optional<Certification> allowed = allowed_changes(document_, signatures);
    const SignatureField* existing = nullptr;
    name_ = spec_.field_name;
    if (spec_.field_use == FieldUse::kExisting) {
        SIGILLO_ASSIGN(existing, existing_field(name_, form_));
        if (spec_.rectangle)
            return fail(Errc::kInvalidArgument, "field " + name_ + " has a place of its own", "position");
        SIGILLO_TRY(check_seed_value(document_, existing->object, spec_));
    } else {
        SIGILLO_ASSIGN(name_, new_name(spec_, form_));
    }
    SIGILLO_TRY(check_permissions(signatures, allowed, spec_, name_));
    SIGILLO_TRY(check_visibility(spec_, allowed));
    form_.names.insert(name_);
    return existing;
}

Status Preparation::sign_field(const SignatureField* existing) {
    if (existing != nullptr) return fields_.fill(*existing, spec_.appearance, value_);
    return fields_.create({name_, spec_.page, spec_.rectangle, spec_.appearance, spec_.lock, value_});
}

Status Preparation::create_clauses() {
    std::string stem = name_ + "_clause";
    std::replace(stem.begin(), stem.end(), '.', '_');
    std::size_t n = 0;
    for (const Area& clause : spec_.clauses) {
        std::string own;
        do own = stem + std::to_string(++n);
        while (form_.names.contains(own));
        SIGILLO_TRY(
            fields_.create({own, clause.page, clause.rectangle, clause.appearance, std::nullopt, value_}));
    }
    return {};
}

Status Preparation::create_later_fields() {
    for (const LaterField& field : spec_.later_fields) {
        SIGILLO_TRY(check_new_name(field.name, form_));
        form_.names.insert(field.name);
        SIGILLO_TRY(fields_.create({field.name, field.page, field.rectangle, {}, std::nullopt, {}}));
    }
    return {};
}

// /Perms says which signature certifies (ISO 32000-1 §12.8.4); usage rights in it stay.
Status Preparation::certify() {
    if (spec_.certification == Certification::kNone) return {};
    const Object* const permissions = document_.get_dictionary(&document_.catalog(), "Perms");
    if (permissions != nullptr && Document::reference_of(*permissions).number != 0) {
        SIGILLO_ASSIGN(DictionaryText* const text, changes_.edit(*permissions));
        text->set("DocMDP", to_source(value_));
        return {};
    }
    SIGILLO_ASSIGN(DictionaryText* const catalog, changes_.edit_catalog());
    SIGILLO_ASSIGN(DictionaryText text, DictionaryText::parse(catalog->find("Perms").value_or("<<>>")));
    text.set("DocMDP", to_source(value_));
    catalog->set("Perms", text.text());
    return {};
}

Result<Prepared> Preparation::run() {
    SIGILLO_ASSIGN(const SignatureField* const existing, check());
    value_ = revision_.allocate();
    SignatureDictionary dictionary(spec_, existing != nullptr ? existing->lock : spec_.lock,
                                   existing != nullptr ? existing->lock_mdp : std::nullopt,
                                   document_.catalog_reference());
    dictionary.put(value_, revision_);
    SIGILLO_TRY(sign_field(existing));
    SIGILLO_TRY(create_clauses());
    SIGILLO_TRY(create_later_fields());
    SIGILLO_TRY(artist_.finish());
    SIGILLO_TRY(fields_.finish(form_));
    SIGILLO_TRY(certify());
    SIGILLO_TRY(changes_.declare_extension());
    SIGILLO_TRY(changes_.finish());
    Prepared prepared;
    prepared.original_size = document_.file().size();
    prepared.byte_range = dictionary.close(revision_);
    prepared.gap = dictionary.gap();
    prepared.field_name = name_;
    return prepared;
}

}  // namespace

Result<Prepared> prepare_signature(int document, const SignatureSpec& spec, const Fonts& fonts,
                                   const Limits& limits, int out) {
    return guarded([&]() -> Result<Prepared> {
        SIGILLO_TRY(check_spec(spec, limits));
        SIGILLO_ASSIGN(const MappedFile file, MappedFile::open(document, limits.document_bytes));
        SIGILLO_ASSIGN(const std::unique_ptr<Document> read, Document::open(file.bytes(), limits));
        Revision revision(file.bytes(), read->free_number());
        Preparation preparation(*read, spec, fonts, revision);
        SIGILLO_ASSIGN(Prepared prepared, preparation.run());
        SIGILLO_TRY(file.copy_with(revision.bytes(), out));
        return prepared;
    });
}

}  // namespace sigillo::pdf
