// What became of the work on a session: kept apart from Error until it is known whether to try again.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "appliance/base/result.h"
#include "keystore/pkcs11/ck_rv.h"

namespace sigillo::pkcs11 {

struct Outcome {
    CK_RV rv = CKR_OK;
    std::string_view call;       // the function that answered rv
    bool effect = false;         // that call was the one that does the deed: an open outcome is possible
    std::optional<Error> error;  // wrong without a CK_RV, e.g. CKR_OK with a signature of wrong length

    static Outcome before(CK_RV code, std::string_view name) { return {code, name, false, {}}; }
    static Outcome after(CK_RV code, std::string_view name) { return {code, name, true, {}}; }
    static Outcome wrong(Error what) { return {CKR_OK, {}, true, std::move(what)}; }
};

inline Error error_of(Outcome outcome) {
    if (outcome.error) return *std::move(outcome.error);
    return outcome.effect ? error_of(outcome.rv, outcome.call) : error_before(outcome.rv, outcome.call);
}

inline Status status_of(Outcome outcome) {
    if (outcome.rv == CKR_OK && !outcome.error) return {};
    return std::unexpected(error_of(std::move(outcome)));
}

}  // namespace sigillo::pkcs11
