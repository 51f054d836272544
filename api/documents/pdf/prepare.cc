#include "api/documents/pdf/prepare.h"

#include <algorithm>
#include <map>

#include "api/documents/pdf/changes.h"
#include "api/documents/pdf/drawing/artist.h"
#include "api/documents/pdf/mapped_file.h"
#include "api/documents/pdf/seed_value.h"
#include "api/documents/pdf/signature_dictionary.h"
#include "api/documents/pdf/signatures.h"
#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

// Print and Locked: not to be moved or deleted (ISO 32000-1 §12.5.3).
constexpr const char* kWidgetFlags = "132";

Words words_for(const SignatureSpec& spec) {
    Words words{{"name", spec.name},
                {"reason", spec.reason},
                {"location", spec.location},
                {"contact", spec.contact_info},
                {"time", ""}};
    if (spec.signing_time) {
        const std::string time = rfc3339(*spec.signing_time);  // "2026-11-23T09:15:00.123Z"
        words["time"] = time.substr(0, 10) + ' ' + time.substr(11, 8) + " UTC";
    }
    for (const auto& [key, value] : spec.placeholders) words[key] = value;
    return words;
}

// PDF/A-1 by its own words in the metadata.
Transparency transparency_of(const Document& document) {
    const Object* const metadata = document.get_dictionary(&document.catalog(), "Metadata");
    if (metadata == nullptr || !metadata->HasStream()) return Transparency::kAllowed;
    const auto xmp = document.stream(*metadata);
    if (!xmp) return Transparency::kAllowed;
    const std::string_view text = as_text(*xmp);
    const std::size_t at = text.find("pdfaid:part");
    if (at == std::string_view::npos) return Transparency::kAllowed;
    const std::size_t digit = text.find_first_of("0123456789", at);
    return digit != std::string_view::npos && text[digit] == '1' ? Transparency::kForbidden
                                                                 : Transparency::kAllowed;
}

Result<std::string> new_name(const SignatureSpec& spec, const Form& form) {
    if (!spec.field_name.empty()) {
        if (spec.field_name.find('.') != std::string::npos)
            return fail(Errc::kInvalidArgument, "a new field's name has no full stop", "field_name");
        if (form.names.contains(spec.field_name))
            return fail(Errc::kAlreadyExists, "there is a field of the name " + spec.field_name,
                        "field_name");
        return spec.field_name;
    }
    const std::string stem = spec.sub_filter == SubFilter::kRfc3161 ? "Timestamp" : "Signature";
    for (std::size_t n = 1;; ++n)
        if (const std::string name = stem + std::to_string(n); !form.names.contains(name)) return name;
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

// One signature's way into the document.
class Preparation {
 public:
    Preparation(const Document& document, const SignatureSpec& spec, const Fonts& fonts, Revision& revision)
        : document_(document),
          spec_(spec),
          revision_(revision),
          changes_(document, revision),
          words_(words_for(spec)),
          artist_(fonts, words_, document.limits(), revision) {}

    Result<Prepared> run();

 private:
    Result<Reference> draw(const Appearance& appearance, double width, double height, int rotation);
    Status create_field(const std::string& name, unsigned page, const std::optional<Rectangle>& rectangle,
                        const Appearance& appearance, const std::optional<FieldLock>& lock);
    Status fill_field(const SignatureField& field);
    Status draw_into(const SignatureField& field, DictionaryText& widget);
    Status create_clauses(const std::string& name);
    Status certify();
    Status add_to_pages();

    const Document& document_;
    const SignatureSpec& spec_;
    Revision& revision_;
    Changes changes_;
    const Words words_;
    Artist artist_;
    Form form_;
    Reference value_;
    std::vector<Reference> new_fields_;
    std::map<unsigned, Page> pages_;
    std::map<unsigned, std::vector<Reference>> widgets_;  // by page
    std::optional<Transparency> transparency_;
};

Result<Reference> Preparation::draw(const Appearance& appearance, double width, double height, int rotation) {
    if (!transparency_)
        transparency_ = appearance.image ? std::optional(transparency_of(document_)) : std::nullopt;
    return artist_.draw(appearance,
                        {width, height, rotation, transparency_.value_or(Transparency::kAllowed)});
}

Status Preparation::create_field(const std::string& name, unsigned number,
                                 const std::optional<Rectangle>& rectangle, const Appearance& appearance,
                                 const std::optional<FieldLock>& lock) {
    if (!pages_.contains(number)) {
        SIGILLO_ASSIGN(pages_[number], find_page(document_, number));
    }
    const Page& page = pages_[number];
    const Reference field = revision_.allocate();
    std::string source = "<</Type /Annot/Subtype /Widget/FT /Sig/T " + text_string(name) + "/F " +
                         kWidgetFlags + "/P " + to_source(page.reference) + "/V " + to_source(value_);
    if (rectangle) {
        SIGILLO_ASSIGN(const Box box, page.place(*rectangle));
        SIGILLO_ASSIGN(const Reference form,
                       draw(appearance, rectangle->width(), rectangle->height(), page.rotation));
        source += "/Rect [" + sigillo::pdf::number(box.x0) + ' ' + sigillo::pdf::number(box.y0) + ' ' +
                  sigillo::pdf::number(box.x1) + ' ' + sigillo::pdf::number(box.y1) + "]/AP <</N " +
                  to_source(form) + ">>";
        if (page.rotation != 0) source += "/MK <</R " + std::to_string(page.rotation) + ">>";
    } else {
        source += "/Rect [0 0 0 0]";
    }
    if (lock) source += "/Lock <</Type /SigFieldLock" + lock_entries(*lock) + ">>";
    revision_.put(field, source + ">>");
    new_fields_.push_back(field);
    widgets_[number].push_back(field);
    return {};
}

// A field that the document has keeps its place; its appearance is drawn to it.
Status Preparation::draw_into(const SignatureField& field, DictionaryText& widget) {
    const std::optional<Box> box = read_box(document_, document_.get(field.widget, "Rect"));
    if (!box) return {};
    SIGILLO_ASSIGN(const std::optional<Page> page,
                   find_page(document_, document_.get_reference(field.widget, "P")));
    const int rotation = page ? page->rotation : 0;
    const double unit = page ? page->user_unit : 1;
    const bool lies = rotation == 90 || rotation == 270;
    const double across = (box->x1 - box->x0) * unit;
    const double up = (box->y1 - box->y0) * unit;
    SIGILLO_ASSIGN(const Reference form,
                   draw(spec_.appearance, lies ? up : across, lies ? across : up, rotation));
    widget.set("AP", "<</N " + to_source(form) + ">>");
    return {};
}

Status Preparation::fill_field(const SignatureField& field) {
    if (spec_.rectangle)
        return fail(Errc::kInvalidArgument, "field " + field.name + " has a place of its own", "position");
    SIGILLO_TRY(check_seed_value(document_, field.object, spec_));
    if (field.widget != nullptr && Document::reference_of(*field.widget).number != 0) {
        SIGILLO_ASSIGN(DictionaryText* const widget, changes_.edit(*field.widget));
        SIGILLO_TRY(draw_into(field, *widget));
    }
    SIGILLO_ASSIGN(DictionaryText* const text, changes_.edit(*field.object));
    text->set("V", to_source(value_));
    return {};
}

Status Preparation::create_clauses(const std::string& name) {
    std::string stem = name + "_clause";
    std::replace(stem.begin(), stem.end(), '.', '_');
    std::size_t n = 0;
    for (const Area& clause : spec_.clauses) {
        std::string own;
        do own = stem + std::to_string(++n);
        while (form_.names.contains(own));
        SIGILLO_TRY(create_field(own, clause.page, clause.rectangle, clause.appearance, std::nullopt));
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

Status Preparation::add_to_pages() {
    for (const auto& [number, widgets] : widgets_)
        SIGILLO_TRY(changes_.add_annotations(pages_[number], widgets));
    return {};
}

Result<Prepared> Preparation::run() {
    SIGILLO_ASSIGN(form_, read_form(document_));
    if (form_.xfa)
        return fail(
            Errc::kUnsupported,
            "the document is an XFA form, whose pages are made by a program in it: print it to PDF first",
            "document");
    SIGILLO_ASSIGN(const std::vector<SignatureInfo> signatures, read_signatures(document_, form_));
    const std::optional<Certification> allowed = allowed_changes(document_, signatures);
    const SignatureField* existing = nullptr;
    std::string name = spec_.field_name;
    if (spec_.field_use == FieldUse::kExisting) {
        SIGILLO_ASSIGN(existing, existing_field(name, form_));
    } else {
        SIGILLO_ASSIGN(name, new_name(spec_, form_));
    }
    SIGILLO_TRY(check_permissions(signatures, allowed, spec_, name));

    value_ = revision_.allocate();
    const std::optional<FieldLock> lock = existing != nullptr ? existing->lock : spec_.lock;
    SignatureDictionary dictionary(spec_, lock, existing != nullptr ? existing->lock_mdp : std::nullopt,
                                   document_.catalog_reference());
    dictionary.put(value_, revision_);
    if (existing != nullptr) {
        SIGILLO_TRY(fill_field(*existing));
    } else {
        SIGILLO_TRY(create_field(name, spec_.page, spec_.rectangle, spec_.appearance, lock));
    }
    SIGILLO_TRY(create_clauses(name));
    SIGILLO_TRY(artist_.finish());
    SIGILLO_TRY(add_to_pages());
    SIGILLO_TRY(changes_.add_fields(form_, new_fields_));
    SIGILLO_TRY(certify());
    SIGILLO_TRY(changes_.declare_extension());
    SIGILLO_TRY(changes_.finish());
    Prepared prepared;
    prepared.original_size = document_.file().size();
    prepared.byte_range = dictionary.close(revision_);
    prepared.gap = dictionary.gap();
    prepared.field_name = name;
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
        SIGILLO_ASSIGN(const Prepared prepared, preparation.run());
        SIGILLO_TRY(file.copy_with(revision.bytes(), out));
        return prepared;
    });
}

}  // namespace sigillo::pdf
