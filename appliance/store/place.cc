#include "appliance/store/place.h"

#include <algorithm>

#include "appliance/base/encoding.h"

namespace sigillo {
namespace {

bool is_plain(std::uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

}  // namespace

std::string place_of(Space space, ByteView key) {
    std::string out(space.name);
    out += '/';
    // A plain key that begins with 0x would read as hex.
    const bool plain = std::ranges::all_of(key, is_plain) && !as_text(key).starts_with("0x");
    if (plain) {
        out += as_text(key);
    } else {
        out += "0x" + hex_encode(key);
    }
    return out;
}

}  // namespace sigillo
