// What the author of an empty signature field demands of its signature (seed value dictionary, ISO 32000-1
// §12.7.4.5).
#pragma once

#include "api/documents/pdf/document.h"
#include "api/documents/pdf/prepare.h"

namespace sigillo::pdf {

// kConflict (field "field_name"): the field demands what `spec` does not give. kUnsupported (field
// "field_name"): it demands what cannot be known here (certain certificates, a legal attestation).
Status check_seed_value(const Document& document, const Object* field, const SignatureSpec& spec);

}  // namespace sigillo::pdf
