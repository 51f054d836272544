#include "api/documents/pdf/changes.h"

#include <algorithm>

namespace sigillo::pdf {
namespace {

constexpr std::int64_t kSignaturesExist = 1;
constexpr std::int64_t kAppendOnly = 2;

std::vector<std::string> sources_of(const std::vector<Reference>& references) {
    std::vector<std::string> sources;
    sources.reserve(references.size());
    for (const Reference reference : references) sources.push_back(to_source(reference));
    return sources;
}

std::string new_array(const std::vector<std::string>& elements) {
    std::string text = "[";
    for (const std::string& element : elements) text += (text == "[" ? "" : " ") + element;
    return text + ']';
}

}  // namespace

Result<DictionaryText*> Changes::edit(const Object& dictionary) {
    const Reference reference = Document::reference_of(dictionary);
    const auto known = dictionaries_.find(reference);
    if (known != dictionaries_.end()) return &known->second;
    if (reference.number == 0)
        return fail(Errc::kUnsupported, "the document has a dictionary inside another that must be changed",
                    "document");
    SIGILLO_ASSIGN(DictionaryText text, document_.dictionary_text(dictionary));
    return &dictionaries_.emplace(reference, std::move(text)).first->second;
}

const Object* Changes::own_array(const Object* dictionary, const char* key) const {
    const Reference reference = document_.get_reference(dictionary, key);
    const Object* const array = document_.get_array(dictionary, key);
    const bool own = array != nullptr && reference.number != 0 && Document::reference_of(*array) == reference;
    return own ? array : nullptr;
}

Status Changes::extend_array(const Object& array, const std::vector<std::string>& elements) {
    SIGILLO_ASSIGN(arrays_[Document::reference_of(array)], document_.array_text(array, elements));
    return {};
}

Status Changes::extend_entry(DictionaryText& text, const char* key,
                             const std::vector<std::string>& elements) {
    const auto direct = text.find(key);
    if (direct && direct->starts_with('[')) {
        SIGILLO_ASSIGN(const std::string longer, array_with(*direct, elements));
        text.set(key, longer);
    } else {
        text.set(key, new_array(elements));
    }
    return {};
}

// The array with an object of its own for each dictionary in it.
Result<std::string> Changes::with_references(std::string_view array) {
    std::string text = "[";
    for (std::size_t at = skip_space(array, 1); at < array.size() && array[at] != ']';) {
        const auto end = end_of_value(array, at);
        if (!end || *end <= at)
            return fail(Errc::kInvalidArgument, "the document has a broken array of annotations", "document");
        const std::string_view element = array.substr(at, *end - at);
        if (text != "[") text += ' ';
        if (element.starts_with("<<")) {
            const Reference own = revision_.allocate();
            if (own.number >= document_.limits().objects)
                return fail(
                    Errc::kLimitExceeded,
                    "the document has more than " + std::to_string(document_.limits().objects) + " objects",
                    "document");
            revision_.put(own, element);
            text += to_source(own);
        } else {
            text += element;
        }
        at = skip_space(array, *end);
    }
    return text + ']';
}

Status Changes::add_annotations(const Page& page, const std::vector<Reference>& widgets, bool signed_before) {
    const Object* const own = own_array(page.object, "Annots");
    // An empty array of its own may be shared among pages; one with annotations belongs to one page.
    if (own != nullptr && own->GetArray().size() > 0) {
        SIGILLO_TRY(extend_array(*own, sources_of(widgets)));
        std::string& text = arrays_.at(Document::reference_of(*own));
        if (signed_before) return {};
        SIGILLO_ASSIGN(text, with_references(text));
        return {};
    }
    SIGILLO_ASSIGN(DictionaryText* const text, edit(*page.object));
    SIGILLO_TRY(extend_entry(*text, "Annots", sources_of(widgets)));
    if (signed_before) return {};
    SIGILLO_ASSIGN(const std::string array, with_references(text->find("Annots").value_or("[]")));
    text->set("Annots", array);
    return {};
}

Status Changes::add_fields(const Form& form, const std::vector<Reference>& fields) {
    const std::vector<std::string> more = sources_of(fields);
    if (form.dictionary != nullptr) return change_form(form, more);
    const Reference created = revision_.allocate();
    revision_.put(created, "<</Fields " + new_array(more) + "/SigFlags 3>>");
    SIGILLO_ASSIGN(DictionaryText* const catalog, edit_catalog());
    catalog->set("AcroForm", to_source(created));
    return {};
}

Status Changes::change_form(const Form& form, const std::vector<std::string>& fields) {
    const Object* const array = fields.empty() ? nullptr : own_array(form.dictionary, "Fields");
    if (array != nullptr) SIGILLO_TRY(extend_array(*array, fields));
    const std::int64_t flags = form.signature_flags | kSignaturesExist | kAppendOnly;
    const bool fields_here = array == nullptr && !fields.empty();
    if (!fields_here && form.signature_flags == flags) return {};

    const bool own = Document::reference_of(*form.dictionary).number != 0;
    SIGILLO_ASSIGN(DictionaryText* const outer, own ? edit(*form.dictionary) : edit_catalog());
    std::optional<DictionaryText> inner;
    if (!own) {
        SIGILLO_ASSIGN(inner, DictionaryText::parse(outer->find("AcroForm").value_or("")));
    }
    DictionaryText& dictionary = own ? *outer : *inner;
    if (fields_here) SIGILLO_TRY(extend_entry(dictionary, "Fields", fields));
    dictionary.set("SigFlags", std::to_string(flags));
    if (!own) outer->set("AcroForm", dictionary.text());
    return {};
}

Status Changes::declare_extension() {
    const auto catalog = dictionaries_.find(document_.catalog_reference());
    if (catalog == dictionaries_.end() || document_.version() >= "2.0") return {};
    constexpr std::string_view kOurs = "<</BaseVersion /1.7/ExtensionLevel 1>>";
    const auto there = catalog->second.find("Extensions");
    if (!there) {
        catalog->second.set("Extensions", "<</ESIC " + std::string(kOurs) + ">>");
    } else if (there->starts_with("<<")) {
        SIGILLO_ASSIGN(DictionaryText extensions, DictionaryText::parse(*there));
        if (extensions.find("ESIC")) return {};
        extensions.set("ESIC", kOurs);
        catalog->second.set("Extensions", extensions.text());
    }
    return {};
}

Status Changes::finish() {
    for (const auto& [reference, text] : dictionaries_) revision_.put(reference, text.text());
    for (const auto& [reference, text] : arrays_) revision_.put(reference, text);
    Revision::End end;
    end.stream = document_.section_kind() == SectionKind::kStream;
    end.previous = document_.section_offset();
    end.root = to_source(document_.catalog_reference());
    end.info = document_.trailer_source("Info");
    end.id = document_.trailer_source("ID");
    return revision_.finish(end);
}

}  // namespace sigillo::pdf
