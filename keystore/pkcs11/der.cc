#include "keystore/pkcs11/der.h"

#include <array>

namespace sigillo::pkcs11 {
namespace {

constexpr std::uint8_t kInteger = 0x02, kBitString = 0x03, kOctetString = 0x04, kSequence = 0x30;

constexpr std::uint8_t kP256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
constexpr std::uint8_t kP384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
constexpr std::uint8_t kEd25519[] = {0x06, 0x03, 0x2B, 0x65, 0x70};  // RFC 8410 §3
constexpr std::uint8_t kEcPublicKey[] = {0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
constexpr std::uint8_t kRsaEncryption[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                           0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};

std::size_t size_of_length(std::size_t length) {
    return length < 0x80 ? 1 : length < 0x100 ? 2 : 3;
}

// All that is written here is shorter than 64 KiB.
void put_header(Bytes& out, std::uint8_t tag, std::size_t length) {
    out.push_back(tag);
    if (length >= 0x100) {
        out.push_back(0x82);
        out.push_back(static_cast<std::uint8_t>(length >> 8));
    } else if (length >= 0x80) {
        out.push_back(0x81);
    }
    out.push_back(static_cast<std::uint8_t>(length));
}

ByteView without_leading_zeros(ByteView number) {
    while (!number.empty() && number.front() == 0) number = number.subspan(1);
    return number;
}

// An unsigned number's contents octets: one zero in front where the first bit would read as a sign.
std::size_t integer_size(ByteView minimal) {
    return minimal.size() + (minimal.front() >> 7);
}

void put_integer(Bytes& out, ByteView minimal) {
    put_header(out, kInteger, integer_size(minimal));
    if (minimal.front() >> 7) out.push_back(0);
    append(out, minimal);
}

std::size_t tlv_size(std::size_t length) {
    return 1 + size_of_length(length) + length;
}

Bytes sequence_of_integers(ByteView a, ByteView b) {
    const std::size_t length = tlv_size(integer_size(a)) + tlv_size(integer_size(b));
    Bytes out;
    out.reserve(tlv_size(length));
    put_header(out, kSequence, length);
    put_integer(out, a);
    put_integer(out, b);
    return out;
}

// SEQUENCE { SEQUENCE { algorithm }, BIT STRING { key } }
Bytes subject_public_key_info(std::initializer_list<ByteView> algorithm, ByteView key) {
    std::size_t identifier = 0;
    for (const ByteView part : algorithm) identifier += part.size();
    const std::size_t length = tlv_size(identifier) + tlv_size(key.size() + 1);
    Bytes out;
    out.reserve(tlv_size(length));
    put_header(out, kSequence, length);
    put_header(out, kSequence, identifier);
    for (const ByteView part : algorithm) append(out, part);
    put_header(out, kBitString, key.size() + 1);
    out.push_back(0);  // no unused bits
    append(out, key);
    return out;
}

}  // namespace

Result<Bytes> ecdsa_sig_value(ByteView raw) {
    if (raw.empty() || raw.size() % 2 != 0) return fail(Errc::kHsmFailed, "an ECDSA signature of odd length");
    const ByteView r = without_leading_zeros(raw.first(raw.size() / 2));
    const ByteView s = without_leading_zeros(raw.last(raw.size() / 2));
    if (r.empty() || s.empty()) return fail(Errc::kHsmFailed, "an ECDSA signature with a zero in it");
    return sequence_of_integers(r, s);
}

Bytes digest_info(const Digest& digest) {
    // 2.16.840.1.101.3.4.2.x with NULL parameters; only the last arc and the lengths differ.
    const auto size = static_cast<std::uint8_t>(digest.bytes().size());
    const auto arc = static_cast<std::uint8_t>(digest.algorithm());
    static_assert(static_cast<int>(HashAlgorithm::kSha256) == 1 &&
                  static_cast<int>(HashAlgorithm::kSha512) == 3);
    const std::array<std::uint8_t, 19> prefix{0x30, static_cast<std::uint8_t>(17 + size),
                                              0x30, 0x0D,
                                              0x06, 0x09,
                                              0x60, 0x86,
                                              0x48, 0x01,
                                              0x65, 0x03,
                                              0x04, 0x02,
                                              arc,  0x05,
                                              0x00, kOctetString,
                                              size};
    return concat(prefix, digest.bytes());
}

ByteView ec_params(KeyAlgorithm algorithm) {
    switch (algorithm) {
        case KeyAlgorithm::kEcP256:
            return kP256;
        case KeyAlgorithm::kEcP384:
            return kP384;
        case KeyAlgorithm::kEd25519:
            return kEd25519;
        case KeyAlgorithm::kRsa2048:
        case KeyAlgorithm::kRsa3072:
        case KeyAlgorithm::kRsa4096:
            break;
    }
    return {};
}

Result<PublicKey> ec_public_key(KeyAlgorithm algorithm, ByteView point) {
    const bool edwards = algorithm == KeyAlgorithm::kEd25519;
    const std::size_t size = edwards ? 32 : 1 + 2 * (key_bits(algorithm) / 8);
    // The lengths here are below 128, so the OCTET STRING's header has two bytes.
    if (point.size() == size + 2 && point[0] == kOctetString && point[1] == size) point = point.subspan(2);
    if (point.size() != size || (!edwards && point[0] != 0x04))
        return fail(Errc::kHsmFailed,
                    "CKA_EC_POINT is no uncompressed point of " + std::string(key_algorithm_name(algorithm)));
    if (edwards) return PublicKey{algorithm, subject_public_key_info({ec_params(algorithm)}, point)};
    return PublicKey{algorithm, subject_public_key_info({kEcPublicKey, ec_params(algorithm)}, point)};
}

Result<PublicKey> rsa_public_key(KeyAlgorithm algorithm, ByteView modulus, ByteView exponent) {
    modulus = without_leading_zeros(modulus);
    exponent = without_leading_zeros(exponent);
    if (modulus.size() * 8 != key_bits(algorithm) || (modulus.front() >> 7) == 0 || exponent.empty())
        return fail(Errc::kHsmFailed,
                    "CKA_MODULUS is not one of " + std::string(key_algorithm_name(algorithm)));
    return PublicKey{algorithm,
                     subject_public_key_info({kRsaEncryption}, sequence_of_integers(modulus, exponent))};
}

}  // namespace sigillo::pkcs11
