// A PKCS#11 module: the shared library behind an HSM, opened by path. (PKCS#11 v2.40 §5.4)
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "appliance/base/result.h"
#include "keystore/pkcs11/cryptoki.h"

namespace sigillo::pkcs11 {

// Thread-safe: initialised with CKF_OS_LOCKING_OK, so the module locks for itself.
class Module {
 public:
    // kNotFound (no such library), kUnsupported (no C_GetFunctionList, or older than v2.20), else as
    // error_before(). A module that something else in this process has initialised already is used as it is.
    static Result<std::shared_ptr<Module>> load(const std::filesystem::path& path, bool finalize = false);

    // C_Finalize, when asked for and when it was this object that initialised. Never dlclose: the library's
    // exit handlers would point into nothing.
    ~Module();
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;

    const CK_FUNCTION_LIST* operator->() const { return functions_; }
    const std::string& path() const { return path_; }

 private:
    Module(std::string path, CK_FUNCTION_LIST* functions) : path_(std::move(path)), functions_(functions) {}

    const std::string path_;
    CK_FUNCTION_LIST* const functions_;
    bool finalize_ = false;
};

}  // namespace sigillo::pkcs11
