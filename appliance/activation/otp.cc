#include "appliance/activation/otp.h"

#include <botan/otp.h>

#include "appliance/base/encoding.h"
#include "appliance/store/tables.h"

namespace sigillo::activation {
namespace {

constexpr std::string_view kHash =
    "SHA1";  // RFC 6238's default, and all that common authenticator apps speak

// The seed stays what it was when the factor was made, so the version that seals it is the first.
Bytes seed_binding(const FactorId& factor) {
    Bytes binding = to_bytes(tables::kFactors.space.name);
    binding.push_back(0);
    append(binding, factor.str());
    append_u64(binding, 1);
    return binding;
}

bool well_formed(const record::Otp& otp) {
    return otp.digits() >= 6 && otp.digits() <= 8 && otp.hash() == kHash;
}

std::vector<std::int64_t> match(const SecretBytes& seed, std::uint32_t digits, const SecretBytes& code,
                                std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> steps;
    for (std::int64_t step = std::max<std::int64_t>(first, 0); step <= last; ++step) {
        const SecretBytes expected = otp_code(seed, static_cast<std::uint64_t>(step), digits);
        if (expected.equals(code.expose())) steps.push_back(step);
    }
    return steps;
}

// RFC 3986 §2.3: everything but unreserved characters is percent-encoded.
std::string uri_escape(std::string_view text) {
    constexpr std::string_view kHexDigits = "0123456789ABCDEF";
    std::string escaped;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            escaped += c;
        } else {
            escaped += '%';
            escaped += kHexDigits[byte >> 4U];
            escaped += kHexDigits[byte & 15U];
        }
    }
    return escaped;
}

// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
SecretBytes otpauth_uri(FactorType type, const OtpConfig& config, const SignerId& signer,
                        const SecretBytes& seed) {
    const std::string issuer = uri_escape(config.issuer);
    std::string secret = base32_encode(seed.expose());
    std::string uri;
    uri.reserve(256 + 3 * issuer.size() + secret.size());  // no reallocation leaves a copy of the seed behind
    uri += "otpauth://";
    uri += factor_word(type);
    uri += '/';
    uri += issuer;
    uri += ':';
    uri += signer.str().substr(0, 8);
    uri += "?secret=";
    uri += secret;
    uri += "&issuer=";
    uri += issuer;
    uri += "&algorithm=";
    uri += kHash;
    uri += "&digits=" + std::to_string(config.digits);
    uri += type == FactorType::kTotp ? "&period=" + std::to_string(config.period.count())
                                     : std::string("&counter=0");
    SecretBytes answer = SecretBytes::copy_of(uri);
    cleanse(uri);
    cleanse(secret);
    return answer;
}

}  // namespace

SecretBytes otp_code(const SecretBytes& seed, std::uint64_t counter, std::uint32_t digits) {
    Botan::HOTP hotp(seed.expose().data(), seed.size(), "SHA-1", digits);
    std::uint32_t number = hotp.generate_hotp(counter);
    SecretBytes code(digits);
    const auto out = code.expose_mutable();
    for (std::size_t i = out.size(); i-- > 0; number /= 10)
        out[i] = static_cast<std::uint8_t>('0' + number % 10);
    return code;
}

std::vector<std::int64_t> match_totp(const SecretBytes& seed, const record::Otp& otp, const SecretBytes& code,
                                     WallTime now, std::uint32_t drift_steps) {
    if (!well_formed(otp) || otp.period_s() == 0) return {};
    const std::int64_t step = unix_seconds(now) / otp.period_s();  // RFC 6238 §4.2
    return match(seed, otp.digits(), code, step - drift_steps, step + drift_steps);
}

std::vector<std::int64_t> match_hotp(const SecretBytes& seed, const record::Otp& otp, const SecretBytes& code,
                                     std::int64_t last, std::uint32_t look_ahead) {
    if (!well_formed(otp)) return {};
    return match(seed, otp.digits(), code, last + 1, last + look_ahead);
}

std::optional<std::int64_t> first_unspent(const std::vector<std::int64_t>& steps,
                                          std::int64_t last_accepted) {
    for (const std::int64_t step : steps)
        if (step > last_accepted) return step;
    return std::nullopt;
}

Result<NewOtp> new_otp(FactorType type, const OtpConfig& config, const FactorId& factor,
                       const SignerId& signer, KeyStore& keys, Random& random) {
    if (config.digits < 6 || config.digits > 8)
        return fail(Errc::kInvalidArgument, "an OTP has 6 to 8 digits", "digits");
    const SecretBytes seed = random.secret(config.seed_bytes);
    SIGILLO_ASSIGN(const Bytes sealed, keys.seal(seed.expose(), seed_binding(factor)));
    NewOtp made;
    made.record.set_sealed_seed(sealed.data(), sealed.size());
    made.record.set_digits(config.digits);
    if (type == FactorType::kTotp)
        made.record.set_period_s(static_cast<std::uint32_t>(config.period.count()));
    made.record.set_hash(std::string(kHash));
    made.otpauth = otpauth_uri(type, config, signer, seed);
    return made;
}

Result<SecretBytes> open_seed(const FactorId& factor, const record::Otp& otp, KeyStore& keys) {
    return keys.open(as_bytes(otp.sealed_seed()), seed_binding(factor));
}

}  // namespace sigillo::activation
