#include "tsa/unit_certificate.h"

#include <string>

#include "appliance/base/der.h"

namespace sigillo::tsa {
namespace {

// Content octets of 2.5.29.15, .16, .19, .37 and of 1.3.6.1.5.5.7.3.8.
constexpr std::uint8_t kKeyUsage[] = {0x55, 0x1D, 0x0F};
constexpr std::uint8_t kPrivateKeyUsagePeriod[] = {0x55, 0x1D, 0x10};
constexpr std::uint8_t kBasicConstraints[] = {0x55, 0x1D, 0x13};
constexpr std::uint8_t kExtendedKeyUsage[] = {0x55, 0x1D, 0x25};
constexpr std::uint8_t kTimeStamping[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08};

std::unexpected<Error> refuse(const std::string& why) {
    return fail(Errc::kInvalidArgument, "unit's certificate: " + why, "chain");
}

// RFC 5280 §4.1.2.5: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ, no more and no less.
std::optional<WallTime> read_time(ByteView content, bool four_digit_year) {
    using namespace std::chrono;
    const std::size_t year_digits = four_digit_year ? 4 : 2;
    if (content.size() != year_digits + 11 || content.back() != 'Z') return std::nullopt;
    for (const std::uint8_t c : content.first(content.size() - 1))
        if (c < '0' || c > '9') return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = 0;
        for (std::size_t i = at; i < at + digits; ++i) value = value * 10 + (content[i] - '0');
        return value;
    };
    const auto pair = [&](std::size_t index) { return number(year_digits + 2 * index, 2); };
    int years = number(0, year_digits);
    if (!four_digit_year) years += years < 50 ? 2000 : 1900;
    const year_month_day date{year{years}, month{static_cast<unsigned>(pair(0))},
                              day{static_cast<unsigned>(pair(1))}};
    if (!date.ok() || pair(2) > 23 || pair(3) > 59 || pair(4) > 59) return std::nullopt;
    return sys_days(date) + hours(pair(2)) + minutes(pair(3)) + seconds(pair(4));
}

std::optional<WallTime> read_validity_time(DerReader& from) {
    const auto time = from.next();
    if (!time || (time->tag != kDerUtcTime && time->tag != kDerGeneralizedTime)) return std::nullopt;
    return read_time(time->content, time->tag == kDerGeneralizedTime);
}

struct Extension {
    bool critical = false;
    ByteView value;
};

// The extension with that id; an error when it is there twice or the list is malformed.
Result<std::optional<Extension>> find_extension(ByteView extensions, ByteView id) {
    std::optional<Extension> found;
    for (DerReader list(extensions); !list.empty();) {
        const auto entry = list.next(kDerSequence);
        DerReader parts(entry ? entry->content : ByteView());
        const auto oid = parts.next(kDerOid);
        const auto critical = parts.next(kDerBoolean);
        const auto value = parts.next(kDerOctetString);
        if (!oid || !value || !parts.empty() || (critical && critical->content.size() != 1))
            return refuse("an extension is malformed");
        if (!equal(oid->content, id)) continue;
        if (found) return refuse("an extension is there twice");
        found = Extension{critical && critical->content[0] != 0, value->content};
    }
    return found;
}

Status check_extended_key_usage(ByteView extensions) {
    SIGILLO_ASSIGN(const auto found, find_extension(extensions, kExtendedKeyUsage));
    if (!found) return refuse("has no extendedKeyUsage");
    if (!found->critical) return refuse("extendedKeyUsage is not critical");
    DerReader outer(found->value);
    const auto usages = outer.next(kDerSequence);
    DerReader list(usages ? usages->content : ByteView());
    const auto usage = list.next(kDerOid);
    if (!usage || !outer.empty()) return refuse("extendedKeyUsage is malformed");
    if (!equal(usage->content, kTimeStamping) || !list.empty())
        return refuse("extendedKeyUsage is not timeStamping alone");
    return {};
}

Status check_key_usage(ByteView extensions) {
    constexpr unsigned kDigitalSignature = 0x80, kNonRepudiation = 0x40;  // bits 0 and 1 of the first octet
    SIGILLO_ASSIGN(const auto found, find_extension(extensions, kKeyUsage));
    if (!found) return refuse("has no keyUsage");
    DerReader outer(found->value);
    const auto bits = outer.next(kDerBitString);
    if (!bits || !outer.empty() || bits->content.size() < 2) return refuse("keyUsage is malformed");
    unsigned others = 0;
    for (const std::uint8_t octet : bits->content.subspan(2)) others |= octet;
    const unsigned first = bits->content[1];
    if (others != 0 || (first & ~(kDigitalSignature | kNonRepudiation)) != 0 || first == 0)
        return refuse("keyUsage is not digitalSignature, nonRepudiation or both");
    return {};
}

Status check_no_ca(ByteView extensions) {
    SIGILLO_ASSIGN(const auto found, find_extension(extensions, kBasicConstraints));
    if (!found) return {};
    DerReader outer(found->value);
    const auto constraints = outer.next(kDerSequence);
    if (!constraints || !outer.empty()) return refuse("basicConstraints are malformed");
    DerReader parts(constraints->content);
    const auto ca = parts.next(kDerBoolean);
    if (ca && (ca->content.size() != 1 || ca->content[0] != 0)) return refuse("is a CA's");
    return {};
}

// PrivateKeyUsagePeriod ::= SEQUENCE { notBefore [0] GeneralizedTime OPTIONAL, notAfter [1] … OPTIONAL }
Result<std::optional<KeyUsagePeriod>> read_key_usage_period(ByteView extensions) {
    SIGILLO_ASSIGN(const auto found, find_extension(extensions, kPrivateKeyUsagePeriod));
    if (!found) return std::optional<KeyUsagePeriod>();
    DerReader outer(found->value);
    const auto period = outer.next(kDerSequence);
    if (!period || !outer.empty()) return refuse("privateKeyUsagePeriod is malformed");
    DerReader parts(period->content);
    KeyUsagePeriod read;
    bool good = !parts.empty();
    if (parts.next_is(der_context_primitive(0))) {
        const auto time = parts.next();
        if (time) read.from = read_time(time->content, true);
        good = good && read.from;
    }
    if (parts.next_is(der_context_primitive(1))) {
        const auto time = parts.next();
        if (time) read.until = read_time(time->content, true);
        good = good && read.until;
    }
    if (!good || !parts.empty()) return refuse("privateKeyUsagePeriod is malformed");
    if (read.from && read.until && *read.until < *read.from)
        return refuse("privateKeyUsagePeriod ends before it begins");
    return std::optional(read);
}

}  // namespace

Result<UnitCertificate> read_unit_certificate(ByteView der) {
    const auto malformed = [] { return refuse("not a certificate in DER"); };
    DerReader outer(der);
    const auto whole = outer.next(kDerSequence);
    if (!whole || !outer.empty()) return malformed();
    DerReader parts(whole->content);
    const auto tbs = parts.next(kDerSequence);
    if (!tbs || !parts.next(kDerSequence) || !parts.next(kDerBitString) || !parts.empty()) return malformed();

    // RFC 5280 §4.1
    DerReader fields(tbs->content);
    static constexpr std::uint8_t kVersion3[] = {kDerInteger, 1, 2};
    const auto version = fields.next(der_context(0));
    if (!version || !equal(version->content, kVersion3)) return refuse("is not of version 3");
    const auto serial = fields.next(kDerInteger);
    const bool signature = fields.next(kDerSequence).has_value();
    const auto issuer = fields.next(kDerSequence);
    const auto validity = fields.next(kDerSequence);
    const auto subject = fields.next(kDerSequence);
    const auto spki = fields.next(kDerSequence);
    (void)fields.next(der_context_primitive(1));  // issuerUniqueID, subjectUniqueID: obsolete, of no interest
    (void)fields.next(der_context_primitive(2));
    const auto extensions_field = fields.next(der_context(3));
    if (!serial || !is_der_integer(serial->content) || !signature || !issuer || !validity || !subject ||
        !spki || !fields.empty())
        return malformed();
    if (subject->content.empty()) return refuse("has no subject");
    DerReader times(validity->content);
    const auto not_before = read_validity_time(times);
    const auto not_after = read_validity_time(times);
    if (!not_before || !not_after || !times.empty()) return refuse("validity is malformed");

    DerReader extensions_reader(extensions_field ? extensions_field->content : ByteView());
    const auto extensions = extensions_reader.next(kDerSequence);
    if (!extensions || !extensions_reader.empty()) return refuse("has no extensions");
    SIGILLO_TRY(check_extended_key_usage(extensions->content));
    SIGILLO_TRY(check_key_usage(extensions->content));
    SIGILLO_TRY(check_no_ca(extensions->content));

    UnitCertificate read;
    read.issuer = to_bytes(issuer->whole);
    read.serial = to_bytes(serial->whole);
    read.subject = to_bytes(subject->whole);
    read.spki = to_bytes(spki->whole);
    read.not_before = *not_before;
    read.not_after = *not_after;
    SIGILLO_ASSIGN(read.key_usage_period, read_key_usage_period(extensions->content));
    if (read.key_usage_period && read.key_usage_period->until &&
        *read.key_usage_period->until >= read.not_after)
        return refuse("privateKeyUsagePeriod does not end before the certificate does");
    return read;
}

}  // namespace sigillo::tsa
