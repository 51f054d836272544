#include "keystore/pkcs11/token_naming.h"

#include "keystore/pkcs11/token_uri.h"

namespace sigillo {

Result<TokenNaming> naming_of(const std::string& token_uri) {
    SIGILLO_ASSIGN(const auto uri, pkcs11::TokenUri::parse(token_uri));
    TokenNaming naming{uri.module_path(), uri.label()};
    if (naming.label.empty())
        return fail(Errc::kInvalidArgument, "the URI names no token (token=LABEL)", "token_uri");
    return naming;
}

}  // namespace sigillo
