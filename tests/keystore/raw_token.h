// A token as an attacker inside the appliance has it: logged in, with all of Cryptoki.
#pragma once

#include <memory>
#include <string>

#include "keystore/pkcs11/attributes.h"
#include "keystore/pkcs11/token.h"
#include "tests/support/soft_token.h"

namespace sigillo::testing {

// Throws std::runtime_error where it cannot be had.
class RawToken {
 public:
    explicit RawToken(const SoftToken& token);
    ~RawToken();
    RawToken(const RawToken&) = delete;
    RawToken& operator=(const RawToken&) = delete;

    const pkcs11::Module& module() const { return *module_; }
    CK_SESSION_HANDLE session() const { return session_; }
    CK_SLOT_ID slot() const { return slot_; }
    CK_OBJECT_HANDLE find(CK_OBJECT_CLASS object_class, const std::string& label) const;
    // Every session object that a read of the whole token shows.
    std::size_t session_objects() const;
    CK_RV set_flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool value) const;

 private:
    std::shared_ptr<pkcs11::Module> module_;
    CK_SLOT_ID slot_ = 0;
    CK_SESSION_HANDLE session_ = CK_INVALID_HANDLE;
};

}  // namespace sigillo::testing
