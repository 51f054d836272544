#include "appliance/base/ids.h"

#include <algorithm>

#include "appliance/base/encoding.h"

namespace sigillo {

bool is_id(std::string_view text) {
    return text.size() == 32 &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string random_id(Random& random) {
    return hex_encode(random.bytes(16));
}

bool is_tenant_name(std::string_view text) {
    return !text.empty() && text.size() <= 63 && text.front() >= 'a' && text.front() <= 'z' &&
           std::ranges::all_of(
               text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace sigillo
