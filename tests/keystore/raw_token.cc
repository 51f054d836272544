#include "tests/keystore/raw_token.h"

#include <stdexcept>

namespace sigillo::testing {
namespace {
template <class T>
T need(Result<T> result) {
    if (!result) throw std::runtime_error(to_string(result.error()));
    return *std::move(result);
}
}  // namespace

RawToken::RawToken(const SoftToken& token) {
    const auto uri = need(pkcs11::TokenUri::parse(token.uri()));
    module_ = need(pkcs11::Module::load(uri.module_path()));
    const auto found = need(pkcs11::find_token(*module_, uri));
    slot_ = found.slot;
    session_ = need(pkcs11::open_session(*module_, slot_, pkcs11::Access::kReadWrite));
    const auto status = pkcs11::login(*module_, found, session_, CKU_USER, token.pin());
    if (!status) throw std::runtime_error(to_string(status.error()));
}

RawToken::~RawToken() {
    (*module_)->C_CloseSession(session_);
}

CK_OBJECT_HANDLE RawToken::find(CK_OBJECT_CLASS object_class, const std::string& label) const {
    const auto found = need(pkcs11::find_objects(*module_, session_, object_class, label, 2));
    if (found.size() != 1)
        throw std::runtime_error(std::to_string(found.size()) + " objects are labelled " + label);
    return found.front();
}

std::size_t RawToken::session_objects() const {
    pkcs11::Template wanted;
    wanted.flag(CKA_TOKEN, false);
    (*module_)->C_FindObjectsInit(session_, wanted.data(), wanted.size());
    std::vector<CK_OBJECT_HANDLE> found(4096);
    CK_ULONG count = 0;
    (*module_)->C_FindObjects(session_, found.data(), found.size(), &count);
    (*module_)->C_FindObjectsFinal(session_);
    return count;
}

CK_RV RawToken::set_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool value) const {
    pkcs11::Template change;
    change.flag(type, value);
    return (*module_)->C_SetAttributeValue(session_, object, change.data(), change.size());
}

}  // namespace sigillo::testing
