// Writing DER (X.690 §10, §11) in reading order. Tags are those of appliance/base/der.h. Pure functions.
#pragma once

#include <initializer_list>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/der.h"

namespace sigillo::cms {

// Tag and length, to stand before that many octets.
Bytes der_header(std::uint8_t tag, std::uint64_t length);
// An element whose content is the parts, one after the other.
Bytes der_element(std::uint8_t tag, std::initializer_list<ByteView> parts);
Bytes der_sequence_of(std::uint8_t tag, const std::vector<Bytes>& elements);
// In the order of the encodings (X.690 §11.6).
Bytes der_set_of(std::uint8_t tag, std::vector<Bytes> elements);
Bytes der_integer(std::uint8_t value);  // below 128

}  // namespace sigillo::cms
