// Byte strings: views, big-endian numbers, constant-time comparison.
// Pure functions; safe from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sigillo {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}
inline Bytes to_bytes(ByteView view) {
    return {view.begin(), view.end()};
}
inline void append(Bytes& out, ByteView more) {
    out.insert(out.end(), more.begin(), more.end());
}
inline void append(Bytes& out, std::string_view more) {
    append(out, as_bytes(more));
}

// Big-endian, so that numbers sort as byte strings do.
void append_u16(Bytes& out, std::uint16_t value);
void append_u32(Bytes& out, std::uint32_t value);
void append_u64(Bytes& out, std::uint64_t value);
// The first 2, 4 or 8 bytes of `in`; `in` must be long enough.
std::uint16_t read_u16(ByteView in);
std::uint32_t read_u32(ByteView in);
std::uint64_t read_u64(ByteView in);

bool equal(ByteView a, ByteView b);  // not constant-time
bool equal_constant_time(ByteView a, ByteView b);

// a ‖ b ‖ … in one allocation.
template <class... Views>
Bytes concat(const Views&... views) {
    Bytes out;
    out.reserve((ByteView(views).size() + ...));
    (append(out, ByteView(views)), ...);
    return out;
}

}  // namespace sigillo
