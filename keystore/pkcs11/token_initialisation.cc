// initialise_token() of ceremony.h. (PKCS#11 v2.40 §5.5, §5.6)
#include <algorithm>
#include <array>

#include "appliance/base/file.h"
#include "keystore/pkcs11/ceremony.h"
#include "keystore/pkcs11/ck_rv.h"
#include "keystore/pkcs11/token.h"

namespace sigillo {
namespace {

using namespace pkcs11;

using Label = std::array<CK_UTF8CHAR, 32>;  // blank-padded

Status check(const TokenInitialisation& what) {
    if (!what.module_path.is_absolute())
        return fail(Errc::kInvalidArgument, "the module's path is absolute", "module_path");
    if (what.label.empty() || what.label.size() > Label().size())
        return fail(Errc::kInvalidArgument, "a token's label has 1 to 32 bytes", "label");
    const auto pin_fits = [](const SecretBytes& pin) { return pin.size() >= 4 && pin.size() <= 255; };
    if (!pin_fits(what.so_pin)) return fail(Errc::kInvalidArgument, "a PIN has 4 to 255 bytes", "so_pin");
    if (!pin_fits(what.user_pin)) return fail(Errc::kInvalidArgument, "a PIN has 4 to 255 bytes", "user_pin");
    return {};
}

Status check_label_is_free(const Module& module, const std::string& label) {
    SIGILLO_ASSIGN(const auto tokens, tokens_of(module));
    if (std::ranges::count(tokens, label, &Token::label) != 0)
        return fail(Errc::kAlreadyExists,
                    "a token labelled " + label + " exists already; nothing was changed");
    return {};
}

// The officer logs in only to set the user's PIN.
Status set_user_pin(const Module& module, const Token& token, const TokenInitialisation& what) {
    SIGILLO_ASSIGN(const CK_SESSION_HANDLE session, open_session(module, token.slot, Access::kReadWrite));
    Status status = login(module, token, session, CKU_SO, what.so_pin);
    if (status) {
        const CK_RV rv =
            module->C_InitPIN(session, input_bytes(what.user_pin.expose()), what.user_pin.size());
        if (rv != CKR_OK) status = std::unexpected(error_of(rv, "C_InitPIN"));
        module->C_Logout(session);
    }
    module->C_CloseSession(session);
    return status;
}

}  // namespace

Result<std::string> initialise_token(const TokenInitialisation& what) {
    SIGILLO_TRY(check(what));
    SIGILLO_ASSIGN(const auto module, Module::load(what.module_path));
    SIGILLO_TRY(check_label_is_free(*module, what.label));
    SIGILLO_ASSIGN(const CK_SLOT_ID slot, first_uninitialised_slot(*module));

    Label label;
    label.fill(' ');
    std::ranges::copy(what.label, label.begin());
    if (const CK_RV rv =
            (*module)->C_InitToken(slot, input_bytes(what.so_pin.expose()), what.so_pin.size(), label.data());
        rv != CKR_OK)
        return std::unexpected(error_of(rv, "C_InitToken"));

    SIGILLO_ASSIGN(const auto tokens, tokens_of(*module));
    const auto made = std::ranges::find(tokens, what.label, &Token::label);
    if (made == tokens.end())
        return fail(Errc::kHsmFailed, "the token that was just initialised is not to be seen");
    if (Status status = set_user_pin(*module, *made, what); !status) {
        status.error().detail +=
            "; token " + what.label + " is initialised but has no user PIN: delete it and begin again";
        return std::unexpected(std::move(status).error());
    }
    if (!what.token_directory.empty()) SIGILLO_TRY(sync_tree(what.token_directory));
    return TokenUri::of_token(made->label, made->serial, what.module_path.string());
}

}  // namespace sigillo
