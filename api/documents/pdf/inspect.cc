#include "api/documents/pdf/inspect.h"

#include <map>

#include "api/documents/pdf/fields.h"
#include "api/documents/pdf/mapped_file.h"
#include "api/documents/pdf/pages.h"
#include "api/documents/pdf/security_store.h"
#include "api/documents/pdf/signatures.h"

namespace sigillo::pdf {
namespace {

Result<DocumentInfo> describe(const Document& document) {
    DocumentInfo info;
    info.version = document.version();
    SIGILLO_ASSIGN(const Form form, read_form(document));
    info.xfa = form.xfa;
    SIGILLO_ASSIGN(info.signatures, read_signatures(document, form));
    info.certification = allowed_changes(document, info.signatures);

    std::map<Reference, unsigned> numbers;
    SIGILLO_TRY(for_each_page(document, [&](unsigned number, const Page& page) {
        info.pages.push_back({page.width(), page.height(), page.rotation});
        numbers.emplace(page.reference, number);
        return true;
    }));
    for (const SignatureField& field : form.signatures) {
        if (field.value != nullptr) continue;
        EmptyField empty;
        empty.name = field.name;
        empty.visible = read_box(document, document.get(field.widget, "Rect")).has_value();
        const auto page = numbers.find(document.get_reference(field.widget, "P"));
        if (page != numbers.end() && page->first.number != 0) empty.page = page->second;
        info.empty_fields.push_back(std::move(empty));
    }
    SIGILLO_ASSIGN(const SecurityStore store, SecurityStore::read(document));
    info.validation_data = store.contents();
    info.vri_keys = store.vri_keys();
    return info;
}

}  // namespace

Result<DocumentInfo> inspect(int fd, const Limits& limits) {
    return guarded([&]() -> Result<DocumentInfo> {
        SIGILLO_ASSIGN(const MappedFile file, MappedFile::open(fd, limits.document_bytes));
        auto document = Document::open(file.bytes(), limits);
        if (!document && document.error().native == Document::kEncrypted &&
            document.error().code == Errc::kUnsupported) {
            DocumentInfo info;
            info.encrypted = true;
            return info;
        }
        SIGILLO_ASSIGN(const std::unique_ptr<Document> read, std::move(document));
        return describe(*read);
    });
}

}  // namespace sigillo::pdf
