// A token's name: RFC 7512, parsed by p11-kit.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "appliance/base/result.h"
#include "keystore/pkcs11/cryptoki.h"

struct p11_kit_uri;

namespace sigillo::pkcs11 {

// Immutable; const use is thread-safe.
class TokenUri {
 public:
    // kInvalidArgument (`field` "token_uri"): not a pkcs11: URI, no absolute module-path, a pin-value, an
    // object's attributes, or an attribute that RFC 7512 does not know (a typing error must not widen the
    // match).
    static Result<TokenUri> parse(const std::string& text);
    // The URI of one certain token.
    static Result<std::string> of_token(std::string_view label, std::string_view serial,
                                        const std::string& module_path);

    const std::string& text() const { return text_; }
    const std::string& module_path() const { return module_path_; }
    // The label that it asks for, or empty.
    std::string label() const;
    bool matches(const CK_TOKEN_INFO& token, CK_SLOT_ID slot) const;

 private:
    struct Free {
        void operator()(p11_kit_uri* uri) const;
    };
    TokenUri() = default;
    std::unique_ptr<p11_kit_uri, Free> uri_;
    std::string text_;
    std::string module_path_;
};

}  // namespace sigillo::pkcs11
