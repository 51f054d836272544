#include "api/documents/pdf/field_writer.h"

#include <algorithm>

#include "api/documents/pdf/signature_dictionary.h"
#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

// Print and Locked: not to be moved or deleted (ISO 32000-1 §12.5.3).
constexpr const char* kWidgetFlags = "132";

// Which part of PDF/A the document is by its own words in the metadata; 0: none.
int archival_part_of(const Document& document) {
    const Object* const metadata = document.get_dictionary(&document.catalog(), "Metadata");
    if (metadata == nullptr || !metadata->HasStream()) return 0;
    const auto xmp = document.stream(*metadata);
    if (!xmp) return 0;
    const std::string_view text = as_text(*xmp);
    const std::size_t at = text.find("pdfaid:part");
    if (at == std::string_view::npos) return 0;
    const std::size_t digit = text.find_first_of("0123456789", at);
    return digit == std::string_view::npos ? 0 : text[digit] - '0';
}

std::string rect_source(const Box& box) {
    return '[' + number(box.x0) + ' ' + number(box.y0) + ' ' + number(box.x1) + ' ' + number(box.y1) + ']';
}

}  // namespace

int FieldWriter::archival_part() {
    if (!archival_part_) archival_part_ = archival_part_of(document_);
    return *archival_part_;
}

Result<Reference> FieldWriter::draw(const Appearance& appearance, Artist::Canvas canvas) {
    if (appearance.image && archival_part() == 1) canvas.transparency = Transparency::kForbidden;
    return artist_.draw(appearance, canvas);
}

Result<const Page*> FieldWriter::page(unsigned number) {
    const auto known = pages_.find(number);
    if (known != pages_.end()) return &known->second;
    SIGILLO_ASSIGN(const Page found, find_page(document_, number));
    return &pages_.emplace(number, found).first->second;
}

Status FieldWriter::create(const NewField& field) {
    SIGILLO_ASSIGN(const Page* const page, this->page(field.page));
    const Reference reference = revision_.allocate();
    std::string source = "<</Type /Annot/Subtype /Widget/FT /Sig/T " + text_string(field.name) + "/F " +
                         kWidgetFlags + "/P " + to_source(page->reference);
    if (field.value.number != 0) source += "/V " + to_source(field.value);
    if (field.rectangle) {
        SIGILLO_ASSIGN(const Box box, page->place(*field.rectangle));
        source += "/Rect " + rect_source(box);
        // An appearance that comes with the signature is a permitted change to validators that compare
        // revisions (DSS), another appearance instead of an empty one is not. PDF/A wants one at once.
        if (field.value.number != 0 || archival_part() != 0) {
            SIGILLO_ASSIGN(const Reference form,
                           draw(field.appearance,
                                {field.rectangle->width(), field.rectangle->height(), page->rotation}));
            source += "/AP <</N " + to_source(form) + ">>";
        }
        if (page->rotation != 0) source += "/MK <</R " + std::to_string(page->rotation) + ">>";
    } else {
        source += "/Rect [0 0 0 0]";
    }
    if (field.lock) source += "/Lock <</Type /SigFieldLock" + lock_entries(*field.lock) + ">>";
    revision_.put(reference, source + ">>");
    created_.push_back(reference);
    widgets_[field.page].push_back(reference);
    return {};
}

Status FieldWriter::draw_into(const SignatureField& field, const Appearance& appearance,
                              DictionaryText& widget) {
    const std::optional<Box> box = read_box(document_, document_.get(field.widget, "Rect"));
    if (!box) return {};
    SIGILLO_ASSIGN(const std::optional<Page> page,
                   find_page(document_, document_.get_reference(field.widget, "P")));
    const int rotation = page ? page->rotation : 0;
    const double unit = page ? page->user_unit : 1;
    const double across = (box->x1 - box->x0) * unit;
    const double up = (box->y1 - box->y0) * unit;
    const bool lies = rotation == 90 || rotation == 270;
    SIGILLO_ASSIGN(const Reference form,
                   draw(appearance, {lies ? up : across, lies ? across : up, rotation}));
    widget.set("AP", "<</N " + to_source(form) + ">>");
    return {};
}

Status FieldWriter::fill(const SignatureField& field, const Appearance& appearance, Reference value) {
    if (field.widget != nullptr && Document::reference_of(*field.widget).number != 0) {
        SIGILLO_ASSIGN(DictionaryText* const widget, changes_.edit(*field.widget));
        SIGILLO_TRY(draw_into(field, appearance, *widget));
    }
    SIGILLO_ASSIGN(DictionaryText* const text, changes_.edit(*field.object));
    text->set("V", to_source(value));
    return {};
}

Status FieldWriter::finish(const Form& form) {
    const bool signed_before =
        std::any_of(form.signatures.begin(), form.signatures.end(),
                    [](const SignatureField& field) { return field.value != nullptr; });
    for (const auto& [number, widgets] : widgets_)
        SIGILLO_TRY(changes_.add_annotations(pages_.at(number), widgets, signed_before));
    return changes_.add_fields(form, created_);
}

}  // namespace sigillo::pdf
