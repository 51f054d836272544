#include "keystore/pkcs11/ck_rv.h"

#include <gtest/gtest.h>

namespace sigillo::pkcs11 {
namespace {

TEST(CkRv, ADeviceErrorWhileSigningLeavesTheOutcomeOpen) {
    const Error error = error_of(CKR_DEVICE_ERROR, "C_Sign");
    EXPECT_EQ(error.code, Errc::kHsmFailed);
    EXPECT_EQ(error.native, 0x30);
    EXPECT_EQ(error.detail, "C_Sign answered CKR_DEVICE_ERROR");
}

TEST(CkRv, TheSameBeforeSigningMeansThatNothingHasBegun) {
    EXPECT_EQ(error_before(CKR_DEVICE_ERROR, "C_SignInit").code, Errc::kUnavailable);
    EXPECT_EQ(error_before(CKR_KEY_TYPE_INCONSISTENT, "C_SignInit").code, Errc::kHsmRefused);
}

TEST(CkRv, ADefiniteNoIsARefusal) {
    for (const CK_RV rv : {CKR_DATA_LEN_RANGE, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_ARGUMENTS_BAD}) {
        EXPECT_EQ(trouble_of(rv), Trouble::kRefused);
        EXPECT_EQ(error_of(rv, "C_Sign").code, Errc::kHsmRefused);
    }
}

TEST(CkRv, AnAbsentTokenWasNotAsked) {
    EXPECT_EQ(error_of(CKR_TOKEN_NOT_PRESENT, "C_Sign").code, Errc::kUnavailable);
    EXPECT_EQ(error_of(CKR_SESSION_HANDLE_INVALID, "C_Sign").code, Errc::kUnavailable);
    EXPECT_EQ(error_of(CKR_USER_NOT_LOGGED_IN, "C_Sign").code, Errc::kUnavailable);
}

TEST(CkRv, ATokenRemovedDuringTheCallLeavesTheOutcomeOpen) {
    EXPECT_EQ(error_of(CKR_DEVICE_REMOVED, "C_Sign").code, Errc::kHsmFailed);
}

TEST(CkRv, EveryPinTroubleIsAnAuthenticationFailure) {
    for (const CK_RV rv :
         {CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_EXPIRED, CKR_PIN_LEN_RANGE, CKR_PIN_INVALID})
        EXPECT_EQ(error_before(rv, "C_Login").code, Errc::kAuthenticationFailed);
}

TEST(CkRv, AMissingMechanismIsUnsupported) {
    EXPECT_EQ(error_of(CKR_MECHANISM_INVALID, "C_SignInit").code, Errc::kUnsupported);
}

TEST(CkRv, ACodeThatNobodyKnowsLeavesTheOutcomeOpen) {
    const Error error = error_of(CKR_VENDOR_DEFINED | 7, "C_Sign");
    EXPECT_EQ(error.code, Errc::kHsmFailed);
    EXPECT_EQ(name_of(CKR_VENDOR_DEFINED | 7), "");
    EXPECT_NE(error.detail.find("does not list"), std::string::npos);
}

TEST(CkRv, AStaleSessionCanBeTriedAgain) {
    for (const CK_RV rv : {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_OPERATION_ACTIVE})
        EXPECT_EQ(trouble_of(rv), Trouble::kSession);
}

}  // namespace
}  // namespace sigillo::pkcs11
