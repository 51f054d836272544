#include "api/documents/pdf/dss.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/documents/pdf/changes.h"
#include "api/documents/pdf/mapped_file.h"
#include "api/documents/pdf/security_store.h"
#include "api/documents/pdf/signatures.h"
#include "api/documents/pdf/text_string.h"

namespace sigillo::pdf {
namespace {

using References = std::vector<Reference>;

std::string array_source(const References& references) {
    std::string text = "[";
    for (const Reference reference : references) text += (text == "[" ? "" : " ") + to_source(reference);
    return text + ']';
}

// The references of the second that the first lacks, at its end. Whether there were any.
bool merge(References& into, const References& more) {
    bool changed = false;
    for (const Reference reference : more) {
        if (std::find(into.begin(), into.end(), reference) != into.end()) continue;
        into.push_back(reference);
        changed = true;
    }
    return changed;
}

class Extension {
 public:
    Extension(const Document& document, const SecurityStore& store, Revision& revision)
        : document_(document), store_(store), revision_(revision), changes_(document, revision) {
        for (const Kind kind : kKinds) arrays_[kind] = store.references(kind);
    }

    void add(const ValidationData& data) { static_cast<void>(place(data)); }
    void add(const SignatureValidationData& signature);
    Status finish();

 private:
    std::map<Kind, References> place(const ValidationData& data);
    Status write();

    const Document& document_;
    const SecurityStore& store_;
    Revision& revision_;
    Changes changes_;
    std::map<Kind, References> arrays_;
    std::map<std::pair<Kind, Sha256Value>, Reference> added_;
    std::map<std::string, std::string> vri_;  // new and changed entries: key to source
    bool changed_ = false;
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
                }
                reference = own;
            }
            placed[kind].push_back(reference);
        }
        changed_ = merge(arrays_[kind], placed[kind]) || changed_;
    }
    return placed;
}

void Extension::add(const SignatureValidationData& signature) {
    const std::map<Kind, References> placed = place(signature.data);
    bool changed = !store_.has_vri(signature.vri_key);
    std::string source = "<</Type /VRI";
    for (const Kind kind : kKinds) {
        References references = store_.vri_references(signature.vri_key, kind);
        const auto more = placed.find(kind);
        if (more != placed.end()) changed = merge(references, more->second) || changed;
        if (!references.empty()) source += '/' + std::string(vri_key(kind)) + ' ' + array_source(references);
    }
    if (!changed) return;
    if (signature.created) source += "/TU " + date_string(*signature.created);
    vri_[signature.vri_key] = source + ">>";
    changed_ = true;
}

Status Extension::write() {
    DictionaryText* existing = nullptr;
    const bool own =
        store_.dictionary() != nullptr && Document::reference_of(*store_.dictionary()).number != 0;
    if (own) {
        SIGILLO_ASSIGN(existing, changes_.edit(*store_.dictionary()));
    }
    std::string source = "<</Type /DSS>>";
    if (!own && store_.dictionary() != nullptr) {
        SIGILLO_ASSIGN(source, write_value(*store_.dictionary()));
    }
    SIGILLO_ASSIGN(DictionaryText fresh, DictionaryText::parse(source));
    DictionaryText& dictionary = own ? *existing : fresh;

    for (const auto& [kind, references] : arrays_)
        if (!references.empty()) dictionary.set(store_key(kind), array_source(references));
    if (!vri_.empty()) {
        const Object* const old = document_.get_dictionary(store_.dictionary(), "VRI");
        std::string entries = "<<>>";
        if (old != nullptr) {
            SIGILLO_ASSIGN(entries, write_value(*old));
        }
        SIGILLO_ASSIGN(DictionaryText vri, DictionaryText::parse(entries));
        for (const auto& [key, entry] : vri_) {
            const Reference object = revision_.allocate();
            revision_.put(object, entry);
            vri.set(key, to_source(object));
        }
        dictionary.set("VRI", vri.text());
    }
    if (own) return {};
    const Reference object = revision_.allocate();
    revision_.put(object, fresh.text());
    SIGILLO_ASSIGN(DictionaryText* const catalog, changes_.edit_catalog());
    catalog->set("DSS", to_source(object));
    return changes_.declare_extension();
}

Status Extension::finish() {
    if (!changed_) return {};
    SIGILLO_TRY(write());
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
