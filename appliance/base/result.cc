#include "appliance/base/result.h"

#include <array>
#include <charconv>

namespace sigillo {

std::string_view errc_name(Errc code) {
    switch (code) {
        case Errc::kInvalidArgument:
            return "invalid_argument";
        case Errc::kMissingArgument:
            return "missing_argument";
        case Errc::kNotFound:
            return "not_found";
        case Errc::kAlreadyExists:
            return "already_exists";
        case Errc::kForbidden:
            return "forbidden";
        case Errc::kConflict:
            return "conflict";
        case Errc::kUnsupported:
            return "unsupported";
        case Errc::kLimitExceeded:
            return "limit_exceeded";
        case Errc::kAuthenticationFailed:
            return "authentication_failed";
        case Errc::kOtpInvalid:
            return "otp_invalid";
        case Errc::kLocked:
            return "locked";
        case Errc::kDisabled:
            return "disabled";
        case Errc::kExpired:
            return "expired";
        case Errc::kSadInvalid:
            return "sad_invalid";
        case Errc::kSadExpired:
            return "sad_expired";
        case Errc::kHashNotAuthorized:
            return "hash_not_authorized";
        case Errc::kUnavailable:
            return "unavailable";
        case Errc::kStorageFull:
            return "storage_full";
        case Errc::kHsmRefused:
            return "hsm_refused";
        case Errc::kHsmFailed:
            return "hsm_failed";
        case Errc::kOutcomeUnknown:
            return "outcome_unknown";
        case Errc::kCorrupt:
            return "corrupt";
        case Errc::kClockUntrusted:
            return "clock_untrusted";
        case Errc::kInternal:
            return "internal";
    }
    return "internal";
}

std::string to_string(const Error& error) {
    std::string text(errc_name(error.code));
    text += ": ";
    text += error.detail;
    if (!error.field.empty()) text += " [" + error.field + "]";
    if (error.native != 0) {
        std::array<char, 24> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), error.native, 16).ptr;
        text += " (native 0x" + std::string(digits.data(), end) + ")";
    }
    return text;
}

}  // namespace sigillo
