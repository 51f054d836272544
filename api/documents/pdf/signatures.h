// The signatures that a document has, and what they allow.
#pragma once

#include <vector>

#include "api/documents/pdf/fields.h"
#include "api/documents/pdf/inspect.h"

namespace sigillo::pdf {

// In the order in which they were made; fields that share a signature dictionary give one entry.
// kLimitExceeded (field "document"): a /Contents larger than Limits say.
Result<std::vector<SignatureInfo>> read_signatures(const Document& document, const Form& form);

// What the catalog's /Perms /DocMDP, or the strictest DocMDP among the signatures, allows.
std::optional<Certification> allowed_changes(const Document& document,
                                             const std::vector<SignatureInfo>& signatures);

// Whether one more signature may be made in field `name`. kConflict, with `field` "certification" or
// "field_name".
Status check_permissions(const std::vector<SignatureInfo>& signatures, std::optional<Certification> allowed,
                         const SignatureSpec& spec, const std::string& name);

}  // namespace sigillo::pdf
