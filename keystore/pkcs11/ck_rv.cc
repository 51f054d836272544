#include "keystore/pkcs11/ck_rv.h"

#include <algorithm>
#include <iterator>

namespace sigillo::pkcs11 {
namespace {

struct Meaning {
    CK_RV rv;
    std::string_view name;
    Trouble trouble;
};

#define SIGILLO_RV(name, trouble) {name, #name, Trouble::trouble}
constexpr Meaning kMeanings[] = {
    SIGILLO_RV(CKR_OK, kNone),
    SIGILLO_RV(CKR_CANCEL, kDevice),
    SIGILLO_RV(CKR_HOST_MEMORY, kDevice),
    SIGILLO_RV(CKR_SLOT_ID_INVALID, kToken),
    SIGILLO_RV(CKR_GENERAL_ERROR, kDevice),
    SIGILLO_RV(CKR_FUNCTION_FAILED, kDevice),
    SIGILLO_RV(CKR_ARGUMENTS_BAD, kRefused),
    SIGILLO_RV(CKR_NEED_TO_CREATE_THREADS, kRefused),
    SIGILLO_RV(CKR_CANT_LOCK, kRefused),
    SIGILLO_RV(CKR_ATTRIBUTE_READ_ONLY, kRefused),
    SIGILLO_RV(CKR_ATTRIBUTE_SENSITIVE, kRefused),
    SIGILLO_RV(CKR_ATTRIBUTE_TYPE_INVALID, kRefused),
    SIGILLO_RV(CKR_ATTRIBUTE_VALUE_INVALID, kRefused),
    SIGILLO_RV(CKR_ACTION_PROHIBITED, kRefused),
    SIGILLO_RV(CKR_DATA_INVALID, kRefused),
    SIGILLO_RV(CKR_DATA_LEN_RANGE, kRefused),
    SIGILLO_RV(CKR_DEVICE_ERROR, kDevice),
    SIGILLO_RV(CKR_DEVICE_MEMORY, kDevice),
    SIGILLO_RV(CKR_DEVICE_REMOVED, kDevice),
    SIGILLO_RV(CKR_ENCRYPTED_DATA_INVALID, kRefused),
    SIGILLO_RV(CKR_ENCRYPTED_DATA_LEN_RANGE, kRefused),
    SIGILLO_RV(CKR_FUNCTION_CANCELED, kDevice),
    SIGILLO_RV(CKR_FUNCTION_NOT_PARALLEL, kRefused),
    SIGILLO_RV(CKR_FUNCTION_NOT_SUPPORTED, kRefused),
    SIGILLO_RV(CKR_KEY_HANDLE_INVALID, kObject),
    SIGILLO_RV(CKR_KEY_SIZE_RANGE, kRefused),
    SIGILLO_RV(CKR_KEY_TYPE_INCONSISTENT, kRefused),
    SIGILLO_RV(CKR_KEY_NOT_WRAPPABLE, kRefused),
    SIGILLO_RV(CKR_KEY_UNEXTRACTABLE, kRefused),
    SIGILLO_RV(CKR_KEY_FUNCTION_NOT_PERMITTED, kRefused),
    SIGILLO_RV(CKR_MECHANISM_INVALID, kRefused),
    SIGILLO_RV(CKR_MECHANISM_PARAM_INVALID, kRefused),
    SIGILLO_RV(CKR_OBJECT_HANDLE_INVALID, kObject),
    // An operation left over in the session, or lost from it: both mean that the session is not to be
    // trusted.
    SIGILLO_RV(CKR_OPERATION_ACTIVE, kSession),
    SIGILLO_RV(CKR_OPERATION_NOT_INITIALIZED, kSession),
    SIGILLO_RV(CKR_PIN_INCORRECT, kRefused),
    SIGILLO_RV(CKR_PIN_INVALID, kRefused),
    SIGILLO_RV(CKR_PIN_LEN_RANGE, kRefused),
    SIGILLO_RV(CKR_PIN_EXPIRED, kRefused),
    SIGILLO_RV(CKR_PIN_LOCKED, kRefused),
    SIGILLO_RV(CKR_SESSION_CLOSED, kSession),
    SIGILLO_RV(CKR_SESSION_COUNT, kBusy),
    SIGILLO_RV(CKR_SESSION_HANDLE_INVALID, kSession),
    SIGILLO_RV(CKR_SESSION_PARALLEL_NOT_SUPPORTED, kRefused),
    SIGILLO_RV(CKR_SESSION_READ_ONLY, kRefused),
    SIGILLO_RV(CKR_SESSION_EXISTS, kRefused),
    SIGILLO_RV(CKR_SIGNATURE_INVALID, kRefused),
    SIGILLO_RV(CKR_SIGNATURE_LEN_RANGE, kRefused),
    SIGILLO_RV(CKR_TEMPLATE_INCOMPLETE, kRefused),
    SIGILLO_RV(CKR_TEMPLATE_INCONSISTENT, kRefused),
    SIGILLO_RV(CKR_TOKEN_NOT_PRESENT, kToken),
    SIGILLO_RV(CKR_TOKEN_NOT_RECOGNIZED, kToken),
    SIGILLO_RV(CKR_TOKEN_WRITE_PROTECTED, kRefused),
    SIGILLO_RV(CKR_UNWRAPPING_KEY_HANDLE_INVALID, kObject),
    SIGILLO_RV(CKR_UNWRAPPING_KEY_SIZE_RANGE, kRefused),
    SIGILLO_RV(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, kRefused),
    SIGILLO_RV(CKR_USER_ALREADY_LOGGED_IN, kRefused),
    SIGILLO_RV(CKR_USER_NOT_LOGGED_IN, kLogin),
    SIGILLO_RV(CKR_USER_PIN_NOT_INITIALIZED, kRefused),
    SIGILLO_RV(CKR_USER_TYPE_INVALID, kRefused),
    SIGILLO_RV(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, kRefused),
    SIGILLO_RV(CKR_USER_TOO_MANY_TYPES, kRefused),
    SIGILLO_RV(CKR_WRAPPED_KEY_INVALID, kRefused),
    SIGILLO_RV(CKR_WRAPPED_KEY_LEN_RANGE, kRefused),
    SIGILLO_RV(CKR_WRAPPING_KEY_HANDLE_INVALID, kObject),
    SIGILLO_RV(CKR_WRAPPING_KEY_SIZE_RANGE, kRefused),
    SIGILLO_RV(CKR_WRAPPING_KEY_TYPE_INCONSISTENT, kRefused),
    SIGILLO_RV(CKR_RANDOM_SEED_NOT_SUPPORTED, kRefused),
    SIGILLO_RV(CKR_RANDOM_NO_RNG, kRefused),
    SIGILLO_RV(CKR_DOMAIN_PARAMS_INVALID, kRefused),
    // The token made a signature that did not fit our buffer: it is not the signature of this key.
    SIGILLO_RV(CKR_BUFFER_TOO_SMALL, kDevice),
    SIGILLO_RV(CKR_SAVED_STATE_INVALID, kRefused),
    SIGILLO_RV(CKR_INFORMATION_SENSITIVE, kRefused),
    SIGILLO_RV(CKR_STATE_UNSAVEABLE, kRefused),
    SIGILLO_RV(CKR_CRYPTOKI_NOT_INITIALIZED, kToken),
    SIGILLO_RV(CKR_CRYPTOKI_ALREADY_INITIALIZED, kRefused),
    SIGILLO_RV(CKR_MUTEX_BAD, kDevice),
    SIGILLO_RV(CKR_MUTEX_NOT_LOCKED, kDevice),
    SIGILLO_RV(CKR_FUNCTION_REJECTED, kRefused),
};
#undef SIGILLO_RV

const Meaning* find(CK_RV rv) {
    const auto* at = std::ranges::find(kMeanings, rv, &Meaning::rv);
    return at == std::end(kMeanings) ? nullptr : at;
}

Errc code_of(CK_RV rv) {
    switch (rv) {
        case CKR_PIN_INCORRECT:
        case CKR_PIN_INVALID:
        case CKR_PIN_LEN_RANGE:
        case CKR_PIN_EXPIRED:
        case CKR_PIN_LOCKED:
        case CKR_USER_PIN_NOT_INITIALIZED:
            return Errc::kAuthenticationFailed;
        case CKR_MECHANISM_INVALID:
        case CKR_MECHANISM_PARAM_INVALID:
        case CKR_FUNCTION_NOT_SUPPORTED:
            return Errc::kUnsupported;
        default:
            break;
    }
    switch (trouble_of(rv)) {
        case Trouble::kSession:
        case Trouble::kLogin:
        case Trouble::kObject:
        case Trouble::kToken:
        case Trouble::kBusy:
            return Errc::kUnavailable;
        case Trouble::kRefused:
            return Errc::kHsmRefused;
        case Trouble::kNone:
        case Trouble::kDevice:
            break;
    }
    return Errc::kHsmFailed;
}

}  // namespace

Trouble trouble_of(CK_RV rv) {
    const Meaning* meaning = find(rv);
    return meaning == nullptr ? Trouble::kDevice : meaning->trouble;
}

bool blames_data(const Error& error) {
    switch (static_cast<CK_RV>(error.native)) {
        case CKR_WRAPPED_KEY_INVALID:
        case CKR_WRAPPED_KEY_LEN_RANGE:
        case CKR_ENCRYPTED_DATA_INVALID:
        case CKR_ENCRYPTED_DATA_LEN_RANGE:
        case CKR_DATA_INVALID:
        case CKR_DATA_LEN_RANGE:
        case CKR_SIGNATURE_INVALID:
        case CKR_TEMPLATE_INCONSISTENT:
        case CKR_ATTRIBUTE_VALUE_INVALID:
            return true;
        default:
            return false;
    }
}

bool blames_data_or_device(const Error& error) {
    const auto rv = static_cast<CK_RV>(error.native);
    return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED || rv == CKR_DEVICE_ERROR;
}

std::string_view name_of(CK_RV rv) {
    const Meaning* meaning = find(rv);
    return meaning == nullptr ? std::string_view() : meaning->name;
}

Error error_of(CK_RV rv, std::string_view call) {
    std::string detail(call);
    const std::string_view name = name_of(rv);
    detail += " answered ";
    detail += name.empty() ? std::string_view("a code that PKCS#11 v2.40 does not list") : name;
    return Error{code_of(rv), std::move(detail), {}, static_cast<std::int64_t>(rv)};
}

Error error_before(CK_RV rv, std::string_view call) {
    Error error = error_of(rv, call);
    if (error.code == Errc::kHsmFailed) error.code = Errc::kUnavailable;
    return error;
}

}  // namespace sigillo::pkcs11
