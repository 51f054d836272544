// The two shapes that CMS attributes are made of. Pure functions.
#pragma once

#include <vector>

#include "appliance/base/bytes.h"

namespace sigillo::ades {

// Attribute ::= SEQUENCE { attrType, attrValues SET OF } (RFC 5652 §5.3). `type` is a whole OBJECT
// IDENTIFIER, `values` one value or several, whole elements, already in the order of a SET OF.
Bytes attribute(ByteView type, ByteView values);

// The elements of a SET OF in the order that DER wants (X.690 §11.6), without the SET's own tag and length.
Bytes set_of(std::vector<Bytes> elements);

}  // namespace sigillo::ades
