#include "keystore/pkcs11/module.h"

#include <dlfcn.h>

#include "keystore/pkcs11/ck_rv.h"

namespace sigillo::pkcs11 {

Result<std::shared_ptr<Module>> Module::load(const std::filesystem::path& path, bool finalize) {
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* why = ::dlerror();
        return fail(Errc::kNotFound, "PKCS#11 module " + path.string() +
                                         " cannot be loaded: " + (why != nullptr ? why : "no reason given") +
                                         "; install it or correct module-path");
    }
    const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    if (get_list == nullptr)
        return fail(Errc::kUnsupported, path.string() + " is no PKCS#11 module: it has no C_GetFunctionList");
    CK_FUNCTION_LIST* functions = nullptr;
    if (const CK_RV rv = get_list(&functions); rv != CKR_OK)
        return std::unexpected(error_before(rv, "C_GetFunctionList"));
    if (functions == nullptr || functions->version.major < 2 ||
        (functions->version.major == 2 && functions->version.minor < 20))
        return fail(Errc::kUnsupported, path.string() + " speaks a PKCS#11 older than v2.20");

    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    const CK_RV rv = functions->C_Initialize(&arguments);
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return std::unexpected(error_before(rv, "C_Initialize"));
    std::shared_ptr<Module> module(new Module(path.string(), functions));
    module->finalize_ = finalize && rv == CKR_OK;
    return module;
}

Module::~Module() {
    if (finalize_) functions_->C_Finalize(nullptr);  // whatever it answers, the module is not used again
}

}  // namespace sigillo::pkcs11
