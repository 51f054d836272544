#include "appliance/base/bytes.h"

#include <openssl/crypto.h>

#include <algorithm>

namespace sigillo {
namespace {

template <class T>
void append_big_endian(Bytes& out, T value) {
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

template <class T>
T read_big_endian(ByteView in) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>((value << 8) | in[i]);
    return value;
}

}  // namespace

void append_u16(Bytes& out, std::uint16_t value) {
    append_big_endian(out, value);
}
void append_u32(Bytes& out, std::uint32_t value) {
    append_big_endian(out, value);
}
void append_u64(Bytes& out, std::uint64_t value) {
    append_big_endian(out, value);
}
std::uint16_t read_u16(ByteView in) {
    return read_big_endian<std::uint16_t>(in);
}
std::uint32_t read_u32(ByteView in) {
    return read_big_endian<std::uint32_t>(in);
}
std::uint64_t read_u64(ByteView in) {
    return read_big_endian<std::uint64_t>(in);
}

bool equal(ByteView a, ByteView b) {
    return std::ranges::equal(a, b);
}

bool equal_constant_time(ByteView a, ByteView b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sigillo
