#include "api/documents/cms/der.h"

#include <algorithm>

namespace sigillo::cms {

Bytes der_header(std::uint8_t tag, std::uint64_t length) {
    Bytes out{tag};
    if (length < 0x80) {
        out.push_back(static_cast<std::uint8_t>(length));
        return out;
    }
    Bytes digits;
    for (; length != 0; length >>= 8U) digits.push_back(static_cast<std::uint8_t>(length));
    out.push_back(static_cast<std::uint8_t>(0x80U | digits.size()));
    out.insert(out.end(), digits.rbegin(), digits.rend());
    return out;
}

Bytes der_element(std::uint8_t tag, std::initializer_list<ByteView> parts) {
    std::size_t size = 0;
    for (const ByteView part : parts) size += part.size();
    Bytes out = der_header(tag, size);
    out.reserve(out.size() + size);
    for (const ByteView part : parts) append(out, part);
    return out;
}

Bytes der_sequence_of(std::uint8_t tag, const std::vector<Bytes>& elements) {
    std::size_t size = 0;
    for (const Bytes& element : elements) size += element.size();
    Bytes out = der_header(tag, size);
    out.reserve(out.size() + size);
    for (const Bytes& element : elements) append(out, element);
    return out;
}

Bytes der_set_of(std::uint8_t tag, std::vector<Bytes> elements) {
    std::ranges::sort(elements);
    return der_sequence_of(tag, elements);
}

Bytes der_integer(std::uint8_t value) {
    return {kDerInteger, 1, value};
}

}  // namespace sigillo::cms
