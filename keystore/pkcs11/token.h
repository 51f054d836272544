// A token in a slot of a module: finding it by URI, and what it says about itself.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "appliance/base/result.h"
#include "appliance/base/secret.h"
#include "keystore/pkcs11/module.h"
#include "keystore/pkcs11/token_uri.h"

namespace sigillo::pkcs11 {

struct Token {
    CK_SLOT_ID slot = 0;
    std::string label;
    std::string serial;
    CK_FLAGS flags = 0;
};

// Initialised tokens that are present now. Errors as error_before().
Result<std::vector<Token>> tokens_of(const Module& module);

// The one token that `uri` names; with `serial` not empty, it must be that very token.
// kNotFound (none), kInvalidArgument (more than one: add serial= to the URI), else as error_before().
Result<Token> find_token(const Module& module, const TokenUri& uri, const std::string& serial = {});

// kNotFound when every token is initialised.
Result<CK_SLOT_ID> first_uninitialised_slot(const Module& module);

Result<std::set<CK_MECHANISM_TYPE>> mechanisms_of(const Module& module, CK_SLOT_ID slot);

enum class Access { kReadOnly, kReadWrite };
Result<CK_SESSION_HANDLE> open_session(const Module& module, CK_SLOT_ID slot, Access access);

// Exactly one C_Login, or none at all when the token says that one more wrong PIN locks it. A login that this
// process has already (another session on the same token) is taken as it is.
// kAuthenticationFailed (PIN wrong, locked or expired: never to be repeated), else as error_before().
Status login(const Module& module, const Token& token, CK_SESSION_HANDLE session, CK_USER_TYPE user,
             const SecretBytes& pin);

}  // namespace sigillo::pkcs11
