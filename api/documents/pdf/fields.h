// The interactive form's signature fields (ISO 32000-1 §12.7).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/documents/pdf/document.h"
#include "api/documents/pdf/prepare.h"

namespace sigillo::pdf {

struct SignatureField {
    std::string name;  // fully qualified
    const Object* object = nullptr;
    Reference reference;                    // number 0: no object of its own
    const Object* value = nullptr;          // the signature dictionary; nullptr: empty
    Reference value_reference;              // number 0: direct
    const Object* widget = nullptr;         // the field itself or its only kid; nullptr: none, or several
    std::optional<FieldLock> lock;          // /Lock
    std::optional<Certification> lock_mdp;  // /Lock /P (ISO 32000-2 table 236)
};

struct Form {
    const Object* dictionary = nullptr;  // nullptr: the document has no form
    bool xfa = false;
    std::int64_t signature_flags = 0;
    std::vector<SignatureField> signatures;  // in the order of the field tree
    std::set<std::string> names;             // fully qualified, fields of all types
};

// What is no dictionary, array or string where one should be counts as absent; loops are passed over.
// kLimitExceeded (field "document"): more fields, signatures or levels than Limits say.
Result<Form> read_form(const Document& document);

// FieldMDP parameters or a /Lock dictionary: /Action and /Fields. Nothing: no action that is known.
std::optional<FieldLock> read_lock(const Document& document, const Object* dictionary);
bool covers(const FieldLock& lock, const std::string& field);
// /P of DocMDP parameters or a lock, 1 to 3.
std::optional<Certification> read_permission(const Document& document, const Object* dictionary);

}  // namespace sigillo::pdf
