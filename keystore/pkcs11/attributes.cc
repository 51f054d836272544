#include "keystore/pkcs11/attributes.h"

#include <cassert>
#include <cstring>

#include "keystore/pkcs11/ck_rv.h"

namespace sigillo::pkcs11 {
namespace {
constexpr CK_BBOOL kTrue = CK_TRUE;
constexpr CK_BBOOL kFalse = CK_FALSE;
}  // namespace

void Template::add(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
    assert(size_ < kCapacity);
    attributes_[size_++] = {type, const_cast<void*>(value), size};
}

Template& Template::flag(CK_ATTRIBUTE_TYPE type, bool value) {
    add(type, value ? &kTrue : &kFalse, sizeof(CK_BBOOL));
    return *this;
}

Template& Template::number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    numbers_[size_] = value;
    add(type, &numbers_[size_], sizeof(CK_ULONG));
    return *this;
}

Template& Template::bytes(CK_ATTRIBUTE_TYPE type, ByteView value) {
    add(type, value.data(), value.size());
    return *this;
}

Template& Template::mechanisms(const std::vector<CK_MECHANISM_TYPE>& allowed) {
    add(CKA_ALLOWED_MECHANISMS, allowed.data(), allowed.size() * sizeof(CK_MECHANISM_TYPE));
    return *this;
}

Template& Template::attributes(CK_ATTRIBUTE_TYPE type, const CK_ATTRIBUTE* inner, std::size_t count) {
    add(type, inner, count * sizeof(CK_ATTRIBUTE));
    return *this;
}

Result<std::optional<Bytes>> read_attribute(const Module& module, CK_SESSION_HANDLE session,
                                            CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    CK_ATTRIBUTE attribute{type, nullptr, 0};
    CK_RV rv = module->C_GetAttributeValue(session, object, &attribute, 1);
    if (rv == CKR_ATTRIBUTE_TYPE_INVALID ||
        (rv == CKR_OK && attribute.ulValueLen == static_cast<CK_ULONG>(-1)))
        return std::optional<Bytes>();
    if (rv != CKR_OK) return std::unexpected(error_before(rv, "C_GetAttributeValue"));
    Bytes value(attribute.ulValueLen);
    if (value.empty()) return std::optional<Bytes>(std::move(value));
    attribute.pValue = value.data();
    rv = module->C_GetAttributeValue(session, object, &attribute, 1);
    if (rv != CKR_OK) return std::unexpected(error_before(rv, "C_GetAttributeValue"));
    value.resize(attribute.ulValueLen);
    return std::optional<Bytes>(std::move(value));
}

Result<std::optional<bool>> read_flag(const Module& module, CK_SESSION_HANDLE session,
                                      CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    SIGILLO_ASSIGN(const auto value, read_attribute(module, session, object, type));
    if (!value) return std::optional<bool>();
    if (value->size() != sizeof(CK_BBOOL)) return fail(Errc::kCorrupt, "an attribute that is no CK_BBOOL");
    return std::optional<bool>(value->front() != CK_FALSE);
}

Result<std::optional<CK_ULONG>> read_number(const Module& module, CK_SESSION_HANDLE session,
                                            CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    SIGILLO_ASSIGN(const auto value, read_attribute(module, session, object, type));
    if (!value) return std::optional<CK_ULONG>();
    CK_ULONG number = 0;
    if (value->size() != sizeof number) return fail(Errc::kCorrupt, "an attribute that is no CK_ULONG");
    std::memcpy(&number, value->data(), sizeof number);
    return std::optional<CK_ULONG>(number);
}

Result<std::vector<CK_OBJECT_HANDLE>> find_objects(const Module& module, CK_SESSION_HANDLE session,
                                                   CK_OBJECT_CLASS object_class, const std::string& label,
                                                   std::size_t limit, Kept kept) {
    Template wanted;
    wanted.number(CKA_CLASS, object_class)
        .flag(CKA_TOKEN, kept == Kept::kOnToken)
        .bytes(CKA_LABEL, as_bytes(label));
    if (const CK_RV rv = module->C_FindObjectsInit(session, wanted.data(), wanted.size()); rv != CKR_OK)
        return std::unexpected(error_before(rv, "C_FindObjectsInit"));
    std::vector<CK_OBJECT_HANDLE> found(limit);
    CK_ULONG count = 0;
    const CK_RV rv = module->C_FindObjects(session, found.data(), found.size(), &count);
    const CK_RV last = module->C_FindObjectsFinal(session);
    if (rv != CKR_OK) return std::unexpected(error_before(rv, "C_FindObjects"));
    if (last != CKR_OK) return std::unexpected(error_before(last, "C_FindObjectsFinal"));
    found.resize(count);
    return found;
}

CK_RV ScopedObject::destroy() {
    const CK_OBJECT_HANDLE handle = release();
    return handle == CK_INVALID_HANDLE ? CKR_OK : module_->C_DestroyObject(session_, handle);
}

}  // namespace sigillo::pkcs11
