// What a revision changes in objects that the document has already: collected first, so that each object is
// written once however many reasons there are to change it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/documents/pdf/document.h"
#include "api/documents/pdf/fields.h"
#include "api/documents/pdf/pages.h"
#include "api/documents/pdf/revision.h"

namespace sigillo::pdf {

class Changes {
 public:
    // Both must outlive this.
    Changes(const Document& document, Revision& revision) : document_(document), revision_(revision) {}

    // A dictionary that is an object of its own, to be changed. The reference lives until the next call.
    Result<DictionaryText*> edit(const Object& dictionary);
    Result<DictionaryText*> edit_catalog() { return edit(document_.catalog()); }

    // The array that entry `key` refers to, when it is an object of its own; nullptr otherwise.
    const Object* own_array(const Object* dictionary, const char* key) const;
    // More elements at the end of an array that is an object of its own; once for each array.
    Status extend_array(const Object& array, const std::vector<std::string>& elements);
    // The same of an array in a dictionary, which is made if there is none.
    static Status extend_entry(DictionaryText& text, const char* key,
                               const std::vector<std::string>& elements);
    // Puts widgets onto a page: into its /Annots where that is an array of its own, else into the page. In a
    // document without signatures, annotations written inside the array become objects of their own: pyHanko
    // compares no arrays with anything but references when the next signature comes.
    Status add_annotations(const Page& page, const std::vector<Reference>& widgets, bool signed_before);
    // Puts fields into the form, which is made if there is none, and sets /SigFlags to 3.
    Status add_fields(const Form& form, const std::vector<Reference>& fields);
    // Catalog's /Extensions: ETSI's, for PDF before 2.0 (EN 319 142-1). Only where the catalog is changed
    // anyway.
    Status declare_extension();

    // Writes everything that was changed, then section and trailer.
    Status finish();

 private:
    Result<std::string> with_references(std::string_view array);
    Status change_form(const Form& form, const std::vector<std::string>& fields);

    const Document& document_;
    Revision& revision_;
    std::map<Reference, DictionaryText> dictionaries_;
    std::map<Reference, std::string> arrays_;
};

}  // namespace sigillo::pdf
