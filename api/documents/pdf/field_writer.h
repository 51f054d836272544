// Signature fields in a revision: new ones with their widgets, and the filling of those that the document
// has.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/documents/pdf/changes.h"
#include "api/documents/pdf/drawing/artist.h"
#include "api/documents/pdf/fields.h"
#include "api/documents/pdf/pages.h"

namespace sigillo::pdf {

struct NewField {
    std::string name;
    unsigned page = 1;
    std::optional<Rectangle> rectangle;  // nothing: invisible
    Appearance appearance;
    std::optional<FieldLock> lock;
    Reference value;  // the signature dictionary; number 0: the field stays empty
};

class FieldWriter {
 public:
    // All must outlive this.
    FieldWriter(const Document& document, Artist& artist, Changes& changes, Revision& revision)
        : document_(document), artist_(artist), changes_(changes), revision_(revision) {}

    // Errors as find_page, Page::place and Artist::draw.
    Status create(const NewField& field);
    // Draws `appearance` to the field's widget, if it has one with an area.
    Status fill(const SignatureField& field, const Appearance& appearance, Reference value);
    // Puts what was created into its pages and into the form.
    Status finish(const Form& form);

 private:
    int archival_part();
    Result<Reference> draw(const Appearance& appearance, Artist::Canvas canvas);
    Status draw_into(const SignatureField& field, const Appearance& appearance, DictionaryText& widget);
    Result<const Page*> page(unsigned number);

    const Document& document_;
    Artist& artist_;
    Changes& changes_;
    Revision& revision_;
    std::map<unsigned, Page> pages_;
    std::map<unsigned, std::vector<Reference>> widgets_;  // by page
    std::vector<Reference> created_;
    std::optional<int> archival_part_;
};

}  // namespace sigillo::pdf
