// One-time passwords: TOTP (RFC 6238) and HOTP (RFC 4226).
//
// Seeds are made here, sealed by the HSM and told once, in the otpauth URI of the answer that enrols them. A
// code is matched outside the store's transactions; which step it stood for is spent inside one, where a step
// that is not beyond the last accepted one is a replay. Thread-safe: pure functions but for the HSM.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/activation/policy.h"
#include "appliance/base/clock.h"
#include "appliance/base/ids.h"
#include "appliance/base/random.h"
#include "keystore/key_store.h"

namespace sigillo::activation {

struct OtpConfig {
    std::uint32_t digits = 6;         // 6 to 8: what authenticator apps show (RFC 4226 §5.3)
    std::chrono::seconds period{30};  // RFC 6238 §5.2 recommends 30 s
    std::uint32_t drift_steps = 1;    // TOTP: steps accepted before and after now, for phones that drift (§6)
    std::uint32_t look_ahead = 10;    // HOTP: counters accepted beyond the last one (RFC 4226 §7.4)
    std::size_t seed_bytes = 20;      // RFC 4226 §4 R6 recommends 160 bits
    std::string issuer = "Sigillo";   // what the authenticator app shows
};

// The code of one step or counter, zero-padded (RFC 4226 §5.3, HMAC-SHA-1).
SecretBytes otp_code(const SecretBytes& seed, std::uint64_t counter, std::uint32_t digits);

// Steps around `now` whose code equals `code`, ascending; empty when none does. Every candidate is compared,
// each in constant time. There can be more than one: codes are short.
std::vector<std::int64_t> match_totp(const SecretBytes& seed, const record::Otp& otp, const SecretBytes& code,
                                     WallTime now, std::uint32_t drift_steps);
// Counters after `last` whose code equals `code`, ascending.
std::vector<std::int64_t> match_hotp(const SecretBytes& seed, const record::Otp& otp, const SecretBytes& code,
                                     std::int64_t last, std::uint32_t look_ahead);

// The first of `steps` that was not accepted before, or nothing: a replay (RFC 6238 §5.2).
std::optional<std::int64_t> first_unspent(const std::vector<std::int64_t>& steps, std::int64_t last_accepted);

struct NewOtp {
    record::Otp record;
    SecretBytes otpauth;  // "otpauth://totp/…": holds the seed
};
// A fresh seed, sealed for this factor. The URI names the issuer and the first eight digits of the signer's
// id: it ends up in apps and QR codes, so it carries no personal data. Errors: those of KeyStore.
Result<NewOtp> new_otp(FactorType type, const OtpConfig& config, const FactorId& factor,
                       const SignerId& signer, KeyStore& keys, Random& random);
// kCorrupt when the seed was sealed for another factor, and the errors of KeyStore.
Result<SecretBytes> open_seed(const FactorId& factor, const record::Otp& otp, KeyStore& keys);

}  // namespace sigillo::activation
