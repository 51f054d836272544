#include "tsa/certificate_request.h"

#include <algorithm>
#include <string_view>

#include "appliance/base/country.h"
#include "appliance/base/der.h"
#include "keystore/algorithm_identifiers.h"
#include "tsa/unit_algorithms.h"

namespace sigillo::tsa {
namespace {

// Whole elements: OBJECT IDENTIFIERs.
constexpr std::uint8_t kCountry[] = {0x06, 0x03, 0x55, 0x04, 0x06};
constexpr std::uint8_t kOrganization[] = {0x06, 0x03, 0x55, 0x04, 0x0A};
constexpr std::uint8_t kOrganizationIdentifier[] = {0x06, 0x03, 0x55, 0x04, 0x61};
constexpr std::uint8_t kCommonName[] = {0x06, 0x03, 0x55, 0x04, 0x03};
constexpr std::uint8_t kExtensionRequest[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                              0xF7, 0x0D, 0x01, 0x09, 0x0E};
// Whole Extensions: keyUsage critical { digitalSignature }, extendedKeyUsage critical { timeStamping }.
constexpr std::uint8_t kKeyUsage[] = {0x30, 0x0E, 0x06, 0x03, 0x55, 0x1D, 0x0F, 0x01,
                                      0x01, 0xFF, 0x04, 0x04, 0x03, 0x02, 0x07, 0x80};
constexpr std::uint8_t kExtendedKeyUsage[] = {0x30, 0x16, 0x06, 0x03, 0x55, 0x1D, 0x25, 0x01,
                                              0x01, 0xFF, 0x04, 0x0C, 0x30, 0x0A, 0x06, 0x08,
                                              0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08};
constexpr std::uint8_t kPrivateKeyUsagePeriod[] = {0x06, 0x03, 0x55, 0x1D, 0x10};

constexpr std::size_t kLongestName = 64;

// Characters of UTF-8 text; nothing when it is none, or has control characters.
std::optional<std::size_t> characters(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++count) {
        const auto lead = static_cast<std::uint8_t>(text[at]);
        if (lead < 0x20 || lead == 0x7F) return std::nullopt;
        // RFC 3629 §4: the shortest form, no surrogates, nothing above U+10FFFF.
        const std::size_t size = lead < 0x80   ? 1
                                 : lead < 0xC2 ? 0
                                 : lead < 0xE0 ? 2
                                 : lead < 0xF0 ? 3
                                 : lead < 0xF5 ? 4
                                               : 0;
        if (size == 0 || text.size() - at < size) return std::nullopt;
        for (std::size_t i = 1; i < size; ++i)
            if ((static_cast<std::uint8_t>(text[at + i]) & 0xC0U) != 0x80) return std::nullopt;
        if (size > 2) {
            const auto second = static_cast<std::uint8_t>(text[at + 1]);
            if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
                return std::nullopt;
        }
        at += size;
    }
    return count;
}

Status check_name(const std::string& text, const char* field, bool optional) {
    if (text.empty() && optional) return {};
    const auto count = characters(text);
    if (!count || *count == 0 || *count > kLongestName)
        return fail(Errc::kInvalidArgument,
                    std::string(field) + " is not 1 to 64 characters of UTF-8 without controls", field);
    return {};
}

void add_name(DerWriter& der, ByteView type, std::uint8_t tag, const std::string& value) {
    if (value.empty()) return;
    const std::size_t mark = der.written();
    der.element(tag, as_bytes(value)).raw(type).close(kDerSequence, mark).close(kDerSet, mark);
}

Bytes encode_subject(const UnitSubject& subject) {
    DerWriter der(512);
    add_name(der, kCommonName, kDerUtf8String, subject.common_name);
    add_name(der, kOrganizationIdentifier, kDerUtf8String, subject.organization_identifier);
    add_name(der, kOrganization, kDerUtf8String, subject.organization);
    add_name(der, kCountry, kDerPrintableString, subject.country);
    return der.close(kDerSequence, 0).finish();
}

Bytes encode_period(const KeyUsagePeriod& period) {
    DerWriter der(96);
    if (period.until) der.element(der_context_primitive(1), as_bytes(generalized_time(*period.until)));
    if (period.from) der.element(der_context_primitive(0), as_bytes(generalized_time(*period.from)));
    der.close(kDerSequence, 0).close(kDerOctetString, 0).raw(kPrivateKeyUsagePeriod);
    return der.close(kDerSequence, 0).finish();
}

// CertificationRequestInfo (RFC 2986 §4.1)
Bytes encode_info(const PublicKey& key, const UnitSubject& subject, const KeyUsagePeriod& period) {
    DerWriter der(1024);
    if (period.from || period.until) der.raw(encode_period(period));
    der.raw(kExtendedKeyUsage).raw(kKeyUsage);
    der.close(kDerSequence, 0).close(kDerSet, 0).raw(kExtensionRequest).close(kDerSequence, 0);
    der.close(der_context(0), 0);
    der.raw(key.spki).raw(encode_subject(subject)).integer(0);
    return der.close(kDerSequence, 0).finish();
}

}  // namespace

Status check_subject(const UnitSubject& subject) {
    if (!is_country(subject.country)) return std::unexpected(no_country(subject.country));
    SIGILLO_TRY(check_name(subject.organization, "organization", false));
    SIGILLO_TRY(check_name(subject.organization_identifier, "organization_identifier", true));
    return check_name(subject.common_name, "common_name", false);
}

Result<Bytes> make_unit_request(SigningKey& key, const UnitSubject& subject, const KeyUsagePeriod& period) {
    SIGILLO_TRY(check_subject(subject));
    const PublicKey& public_key = key.public_key();
    const HashAlgorithm hash = usual_hash(public_key.algorithm);
    if (!is_ec(public_key.algorithm) && !is_rsa(public_key.algorithm))
        return fail(Errc::kInvalidArgument, "units have EC or RSA keys", "key");
    const Bytes info = encode_info(public_key, subject, period);
    const SignatureScheme scheme = unit_scheme(public_key.algorithm, hash);
    const Digest digest = digest_of(hash, info);
    SIGILLO_ASSIGN(const Bytes signature, key.sign(scheme, digest));
    SIGILLO_ASSIGN(const Verifier verifier, Verifier::create(public_key));
    SIGILLO_ASSIGN(const bool holds, verifier.verify(scheme, digest, signature));
    if (!holds) return fail(Errc::kHsmFailed, "the HSM's signature of a certificate request does not hold");

    constexpr std::uint8_t kNoUnusedBits = 0;
    DerWriter der(64 + info.size() + signature.size());
    der.raw(signature).byte(kNoUnusedBits).close(kDerBitString, 0);
    der.raw(signature_algorithm(scheme)).raw(info);
    return der.close(kDerSequence, 0).finish();
}

}  // namespace sigillo::tsa
