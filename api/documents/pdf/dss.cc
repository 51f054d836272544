#include "api/documents/pdf/dss.h"

#include <algorithm>
#include <map>
#include <optional>

#include "api/documents/pdf/changes.h"
#include "api/documents/pdf/mapped_file.h"
#include "api/documents/pdf/security_store.h"
#include "api/documents/pdf/signatures.h"
#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

using References = std::vector<Reference>;

std::vector<std::string> sources_of(const References& references) {
    std::vector<std::string> sources;
    sources.reserve(references.size());
    for (const Reference reference : references) sources.push_back(to_source(reference));
    return sources;
}

std::string array_source(const References& references) {
    std::string text = "[";
    for (const std::string& source : sources_of(references)) text += (text == "[" ? "" : " ") + source;
    return text + ']';
}

class Extension {
 public:
    Extension(const Document& document, const SecurityStore& store, Revision& revision)
        : store_(store), revision_(revision), changes_(document, revision) {}

    void add(const ValidationData& data) { static_cast<void>(place(data)); }
    void add(const SignatureValidationData& signature);
    Status finish();

 private:
    std::map<Kind, References> place(const ValidationData& data);
    Status write_into(DictionaryText& store);
    Status write_vri(DictionaryText& store);

    const SecurityStore& store_;
    Revision& revision_;
    Changes changes_;
    std::map<Kind, References> more_;  // what the store's arrays lack
    std::map<std::pair<Kind, Sha256Value>, Reference> added_;
    std::map<std::string, std::string> vri_;  // new entries: key to source
};

// Every piece as an object of the store: one that is there, or a new one.
std::map<Kind, References> Extension::place(const ValidationData& data) {
    std::map<Kind, References> placed;
    for (const Kind kind : kKinds) {
        for (const Bytes& octets : of_kind(data, kind)) {
            Reference reference = store_.find(kind, octets);
            if (reference.number == 0) {
                Reference& own = added_[{kind, sha256(octets)}];
                if (own.number == 0) {
                    own = revision_.allocate();
                    revision_.put_stream(own, "", octets);
                    more_[kind].push_back(own);
                }
                reference = own;
            }
            References& all = placed[kind];
            if (std::find(all.begin(), all.end(), reference) == all.end()) all.push_back(reference);
        }
    }
    return placed;
}

void Extension::add(const SignatureValidationData& signature) {
    const std::map<Kind, References> placed = place(signature.data);
    if (store_.has_vri(signature.vri_key)) return;
    std::string source = "<</Type /VRI";
    for (const auto& [kind, references] : placed)
        source += '/' + std::string(vri_key(kind)) + ' ' + array_source(references);
    if (signature.created) source += "/TU " + date_string(*signature.created);
    vri_[signature.vri_key] = source + ">>";
}

// New entries, into /VRI where that stands.
Status Extension::write_vri(DictionaryText& store) {
    if (vri_.empty()) return {};
    const bool own = store_.vri() != nullptr && Document::reference_of(*store_.vri()).number != 0;
    std::optional<DictionaryText> inner;
    if (!own) {
        const auto there = store.find("VRI");
        SIGILLO_ASSIGN(inner, DictionaryText::parse(store_.vri() != nullptr && there ? *there : "<<>>"));
    }
    DictionaryText* vri = own ? nullptr : &*inner;
    if (own) {
        SIGILLO_ASSIGN(vri, changes_.edit(*store_.vri()));
    }
    for (const auto& [key, entry] : vri_) {
        const Reference object = revision_.allocate();
        revision_.put(object, entry);
        vri->set(key, to_source(object));
    }
    if (!own) store.set("VRI", vri->text());
    return {};
}

Status Extension::write_into(DictionaryText& store) {
    for (const auto& [kind, references] : more_) {
        const char* const key = store_key(kind);
        if (const Object* const array = changes_.own_array(store_.dictionary(), key)) {
            SIGILLO_TRY(changes_.extend_array(*array, sources_of(references)));
        } else {
            SIGILLO_TRY(Changes::extend_entry(store, key, sources_of(references)));
        }
    }
    return write_vri(store);
}

Status Extension::finish() {
    if (more_.empty() && vri_.empty()) return {};
    const Object* const there = store_.dictionary();
    if (there != nullptr && Document::reference_of(*there).number != 0) {
        SIGILLO_ASSIGN(DictionaryText* const store, changes_.edit(*there));
        SIGILLO_TRY(write_into(*store));
        return changes_.finish();
    }
    // None yet, or one inside the catalog.
    SIGILLO_ASSIGN(DictionaryText* const catalog, changes_.edit_catalog());
    const auto inside = catalog->find("DSS");
    SIGILLO_ASSIGN(DictionaryText store,
                   DictionaryText::parse(there != nullptr && inside ? *inside : "<</Type /DSS>>"));
    SIGILLO_TRY(write_into(store));
    if (there != nullptr) {
        catalog->set("DSS", store.text());
    } else {
        const Reference object = revision_.allocate();
        revision_.put(object, store.text());
        catalog->set("DSS", to_source(object));
    }
    SIGILLO_TRY(changes_.declare_extension());
    return changes_.finish();
}

Status check(const Document& document, const std::vector<SignatureValidationData>& signatures) {
    SIGILLO_ASSIGN(const Form form, read_form(document));
    SIGILLO_ASSIGN(const std::vector<SignatureInfo> there, read_signatures(document, form));
    for (const SignatureValidationData& signature : signatures)
        if (std::none_of(there.begin(), there.end(),
                         [&](const SignatureInfo& info) { return info.vri_key == signature.vri_key; }))
            return fail(Errc::kNotFound, "the document has no signature with this key of /VRI", "vri_key");
    return {};
}

}  // namespace

Result<Extended> add_validation_data(int fd, const ValidationData& data,
                                     const std::vector<SignatureValidationData>& signatures,
                                     const Limits& limits, int out) {
    return guarded([&]() -> Result<Extended> {
        SIGILLO_ASSIGN(const MappedFile file, MappedFile::open(fd, limits.document_bytes));
        SIGILLO_ASSIGN(const std::unique_ptr<Document> document, Document::open(file.bytes(), limits));
        SIGILLO_TRY(check(*document, signatures));
        SIGILLO_ASSIGN(const SecurityStore store, SecurityStore::read(*document));
        Revision revision(file.bytes(), document->free_number());
        Extension extension(*document, store, revision);
        extension.add(data);
        for (const SignatureValidationData& signature : signatures) extension.add(signature);
        SIGILLO_TRY(extension.finish());
        const ByteView appended = revision.empty() ? ByteView() : revision.bytes();
        SIGILLO_TRY(file.copy_with(appended, out));
        return Extended{file.bytes().size(), file.bytes().size() + appended.size()};
    });
}

}  // namespace sigillo::pdf
