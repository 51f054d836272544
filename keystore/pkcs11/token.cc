#include "keystore/pkcs11/token.h"

#include <algorithm>
#include <vector>

#include "keystore/pkcs11/ck_rv.h"

namespace sigillo::pkcs11 {
namespace {

template <std::size_t Size>
std::string trimmed(const unsigned char (&field)[Size]) {
    std::string text(reinterpret_cast<const char*>(field), Size);
    text.erase(text.find_last_not_of(std::string_view(" \0", 2)) + 1);
    return text;
}

// Two-step lists may grow between the steps (a token is put in): then the step is repeated, a few times.
constexpr int kListAttempts = 4;

Result<std::vector<CK_SLOT_ID>> slots_of(const Module& module) {
    CK_RV rv = CKR_BUFFER_TOO_SMALL;
    std::vector<CK_SLOT_ID> slots;
    for (int attempt = 0; attempt < kListAttempts && rv == CKR_BUFFER_TOO_SMALL; ++attempt) {
        CK_ULONG count = 0;
        rv = module->C_GetSlotList(CK_TRUE, nullptr, &count);
        if (rv != CKR_OK) break;
        slots.resize(count);
        rv = module->C_GetSlotList(CK_TRUE, slots.data(), &count);
        if (rv == CKR_OK) slots.resize(count);
    }
    if (rv != CKR_OK) return std::unexpected(error_before(rv, "C_GetSlotList"));
    return slots;
}

struct Seen {
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
};

Result<std::vector<Seen>> look(const Module& module, bool initialised = true) {
    SIGILLO_ASSIGN(const auto slots, slots_of(module));
    std::vector<Seen> seen;
    for (const CK_SLOT_ID slot : slots) {
        Seen one{slot, {}};
        const CK_RV rv = module->C_GetTokenInfo(slot, &one.info);
        // A token of somebody else that is just being pulled out is not our trouble.
        if (trouble_of(rv) == Trouble::kToken) continue;
        if (rv != CKR_OK) return std::unexpected(error_before(rv, "C_GetTokenInfo"));
        if (((one.info.flags & CKF_TOKEN_INITIALIZED) != 0) == initialised) seen.push_back(one);
    }
    return seen;
}

Token token_of(const Seen& seen) {
    return {seen.slot, trimmed(seen.info.label), trimmed(seen.info.serialNumber), seen.info.flags};
}

}  // namespace

Result<std::vector<Token>> tokens_of(const Module& module) {
    SIGILLO_ASSIGN(const auto seen, look(module));
    std::vector<Token> tokens;
    std::ranges::transform(seen, std::back_inserter(tokens), token_of);
    return tokens;
}

Result<Token> find_token(const Module& module, const TokenUri& uri, const std::string& serial) {
    SIGILLO_ASSIGN(const auto seen, look(module));
    std::vector<Token> matching;
    for (const Seen& one : seen) {
        if (!uri.matches(one.info, one.slot)) continue;
        Token token = token_of(one);
        if (serial.empty() || token.serial == serial) matching.push_back(std::move(token));
    }
    if (matching.empty())
        return fail(Errc::kNotFound,
                    "no token matches " + uri.text() + (serial.empty() ? "" : ", serial " + serial) +
                        "; put it in, or make one with `sigillod ceremony --so-pin-file FILE`");
    if (matching.size() > 1)
        return fail(Errc::kInvalidArgument, uri.text() + " matches more than one token; add serial= to it",
                    "token_uri");
    return matching.front();
}

Result<CK_SLOT_ID> first_uninitialised_slot(const Module& module) {
    SIGILLO_ASSIGN(const auto seen, look(module, false));
    if (seen.empty())
        return fail(Errc::kNotFound, "every token of " + module.path() + " is initialised already");
    return seen.front().slot;
}

Result<std::set<CK_MECHANISM_TYPE>> mechanisms_of(const Module& module, CK_SLOT_ID slot) {
    CK_ULONG count = 0;
    if (const CK_RV rv = module->C_GetMechanismList(slot, nullptr, &count); rv != CKR_OK)
        return std::unexpected(error_before(rv, "C_GetMechanismList"));
    std::vector<CK_MECHANISM_TYPE> list(count);
    if (const CK_RV rv = module->C_GetMechanismList(slot, list.data(), &count); rv != CKR_OK)
        return std::unexpected(error_before(rv, "C_GetMechanismList"));
    return std::set<CK_MECHANISM_TYPE>(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(count));
}

Result<CK_SESSION_HANDLE> open_session(const Module& module, CK_SLOT_ID slot, Access access) {
    CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
    const CK_FLAGS flags = CKF_SERIAL_SESSION | (access == Access::kReadWrite ? CKF_RW_SESSION : 0);
    if (const CK_RV rv = module->C_OpenSession(slot, flags, nullptr, nullptr, &session); rv != CKR_OK)
        return std::unexpected(error_before(rv, "C_OpenSession"));
    return session;
}

Status login(const Module& module, const Token& token, CK_SESSION_HANDLE session, CK_USER_TYPE user,
             const SecretBytes& pin) {
    const bool officer = user == CKU_SO;
    if ((token.flags & (officer ? CKF_SO_PIN_LOCKED : CKF_USER_PIN_LOCKED)) != 0)
        return fail(Errc::kAuthenticationFailed,
                    "token " + token.label + ": the PIN is locked; it was not tried");
    if ((token.flags & (officer ? CKF_SO_PIN_FINAL_TRY : CKF_USER_PIN_FINAL_TRY)) != 0)
        return fail(Errc::kAuthenticationFailed, "token " + token.label +
                                                     ": one more wrong PIN locks it, so the PIN was not "
                                                     "tried; log in once by hand with the right one");
    const CK_RV rv = module->C_Login(session, user, input_bytes(pin.expose()), pin.size());
    if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) return {};
    Error error = error_before(rv, "C_Login");
    error.detail = "token " + token.label + ": " + error.detail;
    if (error.code == Errc::kAuthenticationFailed)
        error.detail += "; it is not tried again: check the PIN file";
    return std::unexpected(std::move(error));
}

}  // namespace sigillo::pkcs11
