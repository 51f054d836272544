#include "appliance/ades/attribute.h"

#include <algorithm>

#include "appliance/base/der.h"

namespace sigillo::ades {

Bytes attribute(ByteView type, ByteView values) {
    DerWriter der(16 + type.size() + values.size());
    der.element(kDerSet, values).raw(type);
    return der.close(kDerSequence, 0).finish();
}

Bytes set_of(std::vector<Bytes> elements) {
    std::ranges::sort(elements);
    Bytes all;
    for (const Bytes& element : elements) append(all, ByteView(element));
    return all;
}

}  // namespace sigillo::ades
