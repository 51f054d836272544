// What a CK_RV means to us: the one place that knows. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "appliance/base/result.h"
#include "keystore/pkcs11/cryptoki.h"

namespace sigillo::pkcs11 {

enum class Trouble {
    kNone,
    kSession,  // this session cannot be used (any more); the call did nothing
    kLogin,    // the login is gone; the call did nothing
    kObject,   // the object handle is gone; the call did nothing
    kToken,    // token or slot not there; the call did nothing
    kBusy,     // out of sessions or slots; the call did nothing
    kRefused,  // a definite no: arguments, policy, data
    kDevice,   // the device or library failed; what the call did is open. Codes that nobody knows, too.
};

Trouble trouble_of(CK_RV rv);
// After C_UnwrapKey or C_Decrypt: a definite answer that speaks about the data given in.
bool blames_data(const Error& error);
// … and one that bad data and a bad HSM have in common: SoftHSM says CKR_GENERAL_ERROR to a blob whose
// integrity check fails and CKR_FUNCTION_FAILED to a key of another type. A known good answer must tell the
// two apart.
bool blames_data_or_device(const Error& error);

std::string_view name_of(CK_RV rv);  // "CKR_DEVICE_ERROR", or "" for a code that PKCS#11 v2.40 does not list

// After a call whose effect matters (C_Sign): kHsmRefused for a definite no, kHsmFailed for an open outcome,
// kUnavailable where nothing was asked of the token, kUnsupported for a missing mechanism,
// kAuthenticationFailed for anything that is wrong with a PIN. `call` is the function's name.
Error error_of(CK_RV rv, std::string_view call);
// The same after a call that only prepares (C_SignInit, C_OpenSession): what failed open there is
// kUnavailable, since nothing had begun.
Error error_before(CK_RV rv, std::string_view call);

}  // namespace sigillo::pkcs11
