#include "tsa/tst_info.h"

#include "appliance/base/der.h"

namespace sigillo::tsa {
namespace {

constexpr unsigned kMostDigits = 6;

constexpr std::int64_t power_of_ten(unsigned exponent) {
    std::int64_t value = 1;
    for (; exponent != 0; --exponent) value *= 10;
    return value;
}

// `value` in exactly `digits` decimal digits at `out`.
void put_digits(char* out, unsigned digits, std::int64_t value) {
    for (unsigned at = digits; at-- > 0; value /= 10) out[at] = static_cast<char>('0' + value % 10);
}

}  // namespace

Microseconds gen_time_resolution(unsigned digits) {
    return Microseconds(power_of_ten(digits < kMostDigits ? kMostDigits - digits : 0));
}

unsigned gen_time_digits(Microseconds accuracy) {
    unsigned digits = 0;
    while (digits < kMostDigits && gen_time_resolution(digits) > accuracy / 10) ++digits;
    return digits;
}

GenTime::GenTime(PreciseTime time, unsigned digits) {
    using namespace std::chrono;
    time_ = PreciseTime(floor<Microseconds>(time.time_since_epoch()));
    const Microseconds resolution = gen_time_resolution(digits);
    const auto since = time_.time_since_epoch();
    auto lost = since % resolution;
    if (lost < Microseconds::zero()) lost += resolution;
    time_ -= lost;

    const auto day = floor<days>(time_);
    const year_month_day date(day);
    const hh_mm_ss clock(time_ - day);
    char* const out = text_.data();
    put_digits(out, 4, int{date.year()});
    put_digits(out + 4, 2, unsigned{date.month()});
    put_digits(out + 6, 2, unsigned{date.day()});
    put_digits(out + 8, 2, clock.hours().count());
    put_digits(out + 10, 2, clock.minutes().count());
    put_digits(out + 12, 2, clock.seconds().count());
    size_ = 14;
    // RFC 3161 §2.4.2: "the fractional-seconds elements, if present, MUST omit all trailing 0's; if the
    // elements correspond to 0, they MUST be wholly omitted, and the decimal point element also MUST be
    // omitted".
    if (const std::int64_t fraction = clock.subseconds().count(); fraction != 0) {
        out[size_] = '.';
        put_digits(out + size_ + 1, kMostDigits, fraction);
        size_ += 1 + kMostDigits;
        while (out[size_ - 1] == '0') --size_;
    }
    out[size_++] = 'Z';
}

Bytes encode_accuracy(Microseconds accuracy) {
    // Seconds as INTEGER, the rest as INTEGER (1..999) each.
    const auto total = static_cast<std::uint64_t>(accuracy.count());
    DerWriter der(24);
    if (const std::uint64_t micros = total % 1000; micros != 0) der.integer(micros, der_context_primitive(1));
    if (const std::uint64_t millis = total / 1000 % 1000; millis != 0)
        der.integer(millis, der_context_primitive(0));
    if (const std::uint64_t seconds = total / 1'000'000; seconds != 0) der.integer(seconds);
    return der.close(kDerSequence, 0).finish();
}

Bytes encode_tst_info(const TimeStampRequest& request, ByteView policy, const SerialNumber& serial,
                      const GenTime& time, const TstInfoParts& parts) {
    static constexpr std::uint8_t kNull[] = {kDerNull, 0};
    DerWriter der(192 + policy.size() + request.nonce().size() + parts.tsa.size());
    der.raw(parts.tsa);
    // "if … present in the request … MUST be present … with the same value"
    if (!request.nonce().empty()) der.element(kDerInteger, request.nonce());
    der.raw(parts.accuracy);
    der.element(kDerGeneralizedTime, as_bytes(time.text()));
    der.element(kDerInteger, serial);
    // "MUST have the same value as the similar field in TimeStampReq", its parameters included.
    const std::size_t imprint = der.written();
    der.element(kDerOctetString, request.imprint().bytes());
    const std::size_t algorithm = der.written();
    if (request.null_parameters()) der.raw(kNull);
    der.element(kDerOid, hash_oid_content(request.imprint().algorithm()));
    der.close(kDerSequence, algorithm);
    der.close(kDerSequence, imprint);
    der.element(kDerOid, policy);
    der.integer(1);
    return der.close(kDerSequence, 0).finish();
}

}  // namespace sigillo::tsa
