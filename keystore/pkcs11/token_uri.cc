#include "keystore/pkcs11/token_uri.h"

#include <p11-kit/uri.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>

namespace sigillo::pkcs11 {
namespace {

std::unexpected<Error> refuse(std::string why) {
    return fail(Errc::kInvalidArgument, "token URI: " + std::move(why), "token_uri");
}

// CK_TOKEN_INFO's strings are blank-padded and not terminated (PKCS#11 v2.40 §3.2).
template <std::size_t Size>
void put_padded(unsigned char (&field)[Size], std::string_view text) {
    std::memset(field, ' ', Size);
    std::memcpy(field, text.data(), std::min(Size, text.size()));
}

}  // namespace

void TokenUri::Free::operator()(p11_kit_uri* uri) const {
    p11_kit_uri_free(uri);
}

Result<TokenUri> TokenUri::parse(const std::string& text) {
    TokenUri parsed;
    parsed.uri_.reset(p11_kit_uri_new());
    if (!parsed.uri_) return fail(Errc::kInternal, "out of memory");
    p11_kit_uri* uri = parsed.uri_.get();
    if (const int code = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri); code != P11_KIT_URI_OK) {
        const char* message = p11_kit_uri_message(code);
        return refuse(message != nullptr ? message : "cannot be parsed");
    }
    if (p11_kit_uri_any_unrecognized(uri) != 0)
        return refuse("holds an attribute that RFC 7512 does not know");
    CK_ULONG attributes = 0;
    p11_kit_uri_get_attributes(uri, &attributes);
    if (attributes != 0) return refuse("names an object; only a token is wanted here");
    if (p11_kit_uri_get_pin_value(uri) != nullptr)
        return refuse("holds a pin-value; PINs come from a file of their own");
    const char* path = p11_kit_uri_get_module_path(uri);
    if (path == nullptr || path[0] != '/') return refuse("needs ?module-path= with an absolute path");
    parsed.text_ = text;
    parsed.module_path_ = path;
    return parsed;
}

Result<std::string> TokenUri::of_token(std::string_view label, std::string_view serial,
                                       const std::string& module_path) {
    const std::unique_ptr<p11_kit_uri, Free> uri(p11_kit_uri_new());
    if (!uri) return fail(Errc::kInternal, "out of memory");
    CK_TOKEN_INFO* token = p11_kit_uri_get_token_info(uri.get());
    put_padded(token->label, label);
    put_padded(token->serialNumber, serial);
    p11_kit_uri_set_module_path(uri.get(), module_path.c_str());
    char* text = nullptr;
    if (p11_kit_uri_format(uri.get(), P11_KIT_URI_FOR_ANY, &text) != P11_KIT_URI_OK)
        return fail(Errc::kInternal, "p11-kit cannot write the token's URI");
    std::string out(text);
    ::free(text);
    return out;
}

std::string TokenUri::label() const {
    const CK_TOKEN_INFO* token = p11_kit_uri_get_token_info(uri_.get());
    if (token->label[0] == 0) return {};  // p11-kit's sign of an attribute that was not given
    std::string text(reinterpret_cast<const char*>(token->label), sizeof token->label);
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

bool TokenUri::matches(const CK_TOKEN_INFO& token, CK_SLOT_ID slot) const {
    const CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri_.get());
    return (wanted == static_cast<CK_SLOT_ID>(-1) || wanted == slot) &&
           p11_kit_uri_match_token_info(uri_.get(), &token) != 0;
}

}  // namespace sigillo::pkcs11
