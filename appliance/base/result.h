// How every layer says that something went wrong.
//
// A function that can fail returns Result<T>. No exception leaves a layer: adapters catch what the
// libraries throw. `detail` is for logs and people who operate the appliance; each public face has
// one file that maps `code` (and `field`) to the words of its own protocol.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sigillo {

enum class Errc : std::uint8_t {
    // The caller asked for something wrong.
    kInvalidArgument = 1,  // `field` names the parameter
    kMissingArgument,      // `field` names the parameter
    kNotFound,             // absent, or another tenant's (the two look the same on purpose)
    kAlreadyExists,
    kForbidden,      // this peer or this client may not ask that
    kConflict,       // not in the object's present state
    kUnsupported,    // known, but not offered (yet, or by this HSM)
    kLimitExceeded,  // a configured bound; `field` names what it bounds
    // Activation and signing.
    kAuthenticationFailed,  // authentication data is invalid
    kOtpInvalid,
    kLocked,      // too many wrong factors
    kDisabled,    // credential suspended, revoked or without certificate
    kExpired,     // the signing certificate is out of its validity
    kSadInvalid,  // no such SAD for this client and credential
    kSadExpired,
    kHashNotAuthorized,  // not (or no longer) among the hashes of the SAD
    // The appliance cannot.
    kUnavailable,     // busy, draining, HSM or store out of service: try again later
    kStorageFull,     // store or disk full
    kHsmRefused,      // the HSM said no, definitely: nothing was signed
    kHsmFailed,       // the HSM failed in a way that leaves the outcome open
    kOutcomeUnknown,  // a crash hid the outcome of this very call: authorise again
    kCorrupt,         // a MAC, hash or format does not hold
    kClockUntrusted,  // the clock jumped or is not disciplined
    kInternal,
};

// Stable lower-case name ("hash_not_authorized"), for logs and the IPC contract.
std::string_view errc_name(Errc code);

struct Error {
    Errc code = Errc::kInternal;
    std::string detail;       // never holds a secret
    std::string field{};      // the parameter at fault, in the public face's spelling, or empty
    std::int64_t native = 0;  // CK_RV, errno, MDB_* …; 0 where there is none
};

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
    using std::expected<T, Error>::expected;
};

using Status = Result<void>;

inline std::unexpected<Error> fail(Errc code, std::string detail, std::string field = {},
                                   std::int64_t native = 0) {
    return std::unexpected(Error{code, std::move(detail), std::move(field), native});
}

// "hsm_failed: C_Sign answered CKR_DEVICE_ERROR (native 0x30)"
std::string to_string(const Error& error);

}  // namespace sigillo

#define SIGILLO_CONCAT_(a, b) a##b
#define SIGILLO_CONCAT(a, b) SIGILLO_CONCAT_(a, b)

// SIGILLO_TRY(status_expression): returns the error to the caller, if there is one.
// __COUNTER__ and not __LINE__: inside a macro's argument (a lambda given to SIGILLO_TRY) all lines are one.
#define SIGILLO_TRY(expr) SIGILLO_TRY_(expr, SIGILLO_CONCAT(sigillo_status_, __COUNTER__))
#define SIGILLO_TRY_(expr, tmp)                                                      \
    do {                                                                             \
        if (auto tmp = (expr); !tmp) return std::unexpected(std::move(tmp).error()); \
    } while (false)

// SIGILLO_ASSIGN(auto x, result_expression): x = value, or returns the error to the caller.
#define SIGILLO_ASSIGN(lhs, expr) SIGILLO_ASSIGN_(lhs, expr, SIGILLO_CONCAT(sigillo_result_, __COUNTER__))
#define SIGILLO_ASSIGN_(lhs, expr, tmp)                       \
    auto tmp = (expr);                                        \
    if (!tmp) return std::unexpected(std::move(tmp).error()); \
    lhs = *std::move(tmp)
