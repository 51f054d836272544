// Object identifiers of CMS and CAdES, as whole DER elements in static storage.
#pragma once

#include <array>
#include <cstdint>

namespace sigillo::cms {

namespace oid_detail {

constexpr std::size_t octets_of(std::uint32_t arc) {
    std::size_t count = 1;
    while ((arc >>= 7U) != 0) ++count;
    return count;
}

}  // namespace oid_detail

// X.690 §8.19: tag, length, contents of the OBJECT IDENTIFIER First.Second.Rest….
template <std::uint32_t First, std::uint32_t Second, std::uint32_t... Rest>
consteval auto oid_element() {
    constexpr std::size_t kSize = 1 + (oid_detail::octets_of(Rest) + ... + 0);
    static_assert(First * 40 + Second < 128 && kSize < 128);
    std::array<std::uint8_t, 2 + kSize> out{0x06, static_cast<std::uint8_t>(kSize),
                                            static_cast<std::uint8_t>(First * 40 + Second)};
    std::size_t at = 3;
    const auto put = [&](std::uint32_t arc) {
        for (std::size_t left = oid_detail::octets_of(arc); left-- > 0;)
            out[at++] = static_cast<std::uint8_t>((arc >> (7 * left) & 0x7FU) | (left == 0 ? 0U : 0x80U));
    };
    (put(Rest), ...);
    return out;
}

// RFC 5652 §4, §5.1, §11
inline constexpr auto kIdData = oid_element<1, 2, 840, 113549, 1, 7, 1>();
inline constexpr auto kIdSignedData = oid_element<1, 2, 840, 113549, 1, 7, 2>();
inline constexpr auto kIdContentType = oid_element<1, 2, 840, 113549, 1, 9, 3>();
inline constexpr auto kIdMessageDigest = oid_element<1, 2, 840, 113549, 1, 9, 4>();
inline constexpr auto kIdSigningTime = oid_element<1, 2, 840, 113549, 1, 9, 5>();
// RFC 6211 §2
inline constexpr auto kIdAlgorithmProtection = oid_element<1, 2, 840, 113549, 1, 9, 52>();
// RFC 5035 §3, §4
inline constexpr auto kIdSigningCertificate = oid_element<1, 2, 840, 113549, 1, 9, 16, 2, 12>();
inline constexpr auto kIdSigningCertificateV2 = oid_element<1, 2, 840, 113549, 1, 9, 16, 2, 47>();
// RFC 3161 §2.4.2
inline constexpr auto kIdTstInfo = oid_element<1, 2, 840, 113549, 1, 9, 16, 1, 4>();
// EN 319 122-1 §5.2.8, §5.3
inline constexpr auto kIdContentTimeStamp = oid_element<1, 2, 840, 113549, 1, 9, 16, 2, 20>();
inline constexpr auto kIdSignatureTimeStamp = oid_element<1, 2, 840, 113549, 1, 9, 16, 2, 14>();
// EN 319 122-1 §5.5.2, §5.5.3
inline constexpr auto kIdAtsHashIndexV3 = oid_element<0, 4, 0, 19122, 1, 5>();
inline constexpr auto kIdArchiveTimeStampV3 = oid_element<0, 4, 0, 1733, 2, 4>();
// EN 319 122-1 Annex A: forms before version 3.
inline constexpr auto kIdArchiveTimeStamp = oid_element<1, 2, 840, 113549, 1, 9, 16, 2, 27>();
inline constexpr auto kIdArchiveTimeStampV2 = oid_element<1, 2, 840, 113549, 1, 9, 16, 2, 48>();
inline constexpr auto kIdLongTermValidation = oid_element<0, 4, 0, 1733, 2, 2>();
// RFC 5940 §2.1
inline constexpr auto kIdRiOcspResponse = oid_element<1, 3, 6, 1, 5, 5, 7, 16, 2>();
// RFC 6960 §4.2.1: what some put where id-ri-ocsp-response belongs, with a BasicOCSPResponse.
inline constexpr auto kIdPkixOcspBasic = oid_element<1, 3, 6, 1, 5, 5, 7, 48, 1, 1>();

}  // namespace sigillo::cms
