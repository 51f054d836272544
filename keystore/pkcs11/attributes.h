// CK_ATTRIBUTE lists: building them for templates, and reading them from objects.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "appliance/base/bytes.h"
#include "appliance/base/result.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/pkcs11/module.h"

namespace sigillo::pkcs11 {

// A template without allocations. Not copied: it points into itself.
class Template {
 public:
    Template() = default;
    Template(const Template&) = delete;
    Template& operator=(const Template&) = delete;

    Template& flag(CK_ATTRIBUTE_TYPE type, bool value);
    Template& number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
    Template& bytes(CK_ATTRIBUTE_TYPE type, ByteView value);  // must outlive the template
    Template& mechanisms(
        const std::vector<CK_MECHANISM_TYPE>& allowed);  // CKA_ALLOWED_MECHANISMS; must outlive it
    Template& attributes(CK_ATTRIBUTE_TYPE type, const CK_ATTRIBUTE* inner,
                         std::size_t count);  // must outlive it

    // Cryptoki's functions take non-const pointers and only read.
    CK_ATTRIBUTE* data() const { return const_cast<CK_ATTRIBUTE*>(attributes_.data()); }
    CK_ULONG size() const { return size_; }

 private:
    static constexpr std::size_t kCapacity = 28;  // the longest template of ours has 22
    void add(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size);
    std::array<CK_ATTRIBUTE, kCapacity> attributes_{};
    std::array<CK_ULONG, kCapacity> numbers_{};
    std::size_t size_ = 0;
};

// The value of an attribute; nullopt when the object does not have it or the module does not know it.
// kHsmRefused for a sensitive one, else as error_before().
Result<std::optional<Bytes>> read_attribute(const Module& module, CK_SESSION_HANDLE session,
                                            CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
// As read_attribute(); kCorrupt unless the value is a CK_BBOOL.
Result<std::optional<bool>> read_flag(const Module& module, CK_SESSION_HANDLE session,
                                      CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
Result<std::optional<CK_ULONG>> read_number(const Module& module, CK_SESSION_HANDLE session,
                                            CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

// On the token, or in this application's sessions alone.
enum class Kept : bool { kInSession, kOnToken };
// Objects of a class with a label: at most `limit` of them.
Result<std::vector<CK_OBJECT_HANDLE>> find_objects(const Module& module, CK_SESSION_HANDLE session,
                                                   CK_OBJECT_CLASS object_class, const std::string& label,
                                                   std::size_t limit, Kept kept = Kept::kOnToken);

// Destroys an object at the end of a scope, unless released.
class ScopedObject {
 public:
    ScopedObject(const Module& module, CK_SESSION_HANDLE session) : module_(module), session_(session) {}
    ~ScopedObject() { destroy(); }
    ScopedObject(const ScopedObject&) = delete;
    ScopedObject& operator=(const ScopedObject&) = delete;
    CK_OBJECT_HANDLE* out() { return &handle_; }
    CK_OBJECT_HANDLE get() const { return handle_; }
    CK_OBJECT_HANDLE release() {
        const CK_OBJECT_HANDLE handle = handle_;
        handle_ = CK_INVALID_HANDLE;
        return handle;
    }
    CK_RV destroy();  // CKR_OK when there is nothing to destroy

 private:
    const Module& module_;
    const CK_SESSION_HANDLE session_;
    CK_OBJECT_HANDLE handle_ = CK_INVALID_HANDLE;
};

}  // namespace sigillo::pkcs11
