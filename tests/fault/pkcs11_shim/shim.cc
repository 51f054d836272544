// libsigillo_p11_shim.so: a PKCS#11 module that hands every call to another module and makes chosen calls go
// wrong.
//
// Environment, read on C_GetFunctionList:
//   SIGILLO_SHIM_TARGET   path of the real module (required)
//   SIGILLO_SHIM_FAULTS   path of the fault file; absent file = no faults. Looked at on every call, so a test
//                         changes faults in a running process by renaming a new file into place.
//   SIGILLO_SHIM_COUNTS   path of a file of calls for each function (call_counts.h), or unset
//
// Fault file: a line a fault, "#" begins a comment, the first line that fits a call is taken.
//   <function or *> [rv=N] [rv_after=N] [hang_ms=N] [corrupt=1] [truncate=N] [skip=N] [count=N]
//   rv=0x30        answers CKR_DEVICE_ERROR; the real module is not called
//   rv_after=0x30  calls the real module first: the deed is done, the answer lost
//   hang_ms=60000  sleeps before it goes on with the rest of the line; ends early when the file changes
//   corrupt=1      flips a bit in the output of a successful call (functions that end in a buffer and its
//   length) truncate=8     shortens that output by 8 bytes skip=2         lets two calls through first;
//   count=3  three calls, then no more (default -1: until removed)
// Examples: "C_Sign rv=0x30 count=3", "C_Sign hang_ms=60000 count=1", "* rv=0xe0".
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/fault/pkcs11_shim/call_counts.h"
#include "tests/fault/pkcs11_shim/faults.h"

namespace sigillo::shim {
namespace {

// Everything of the v2.40 function list but C_GetFunctionList itself.
// clang-format off
#define SIGILLO_FUNCTIONS(X)                                                                                 \
    X(C_Initialize)                                                                                          \
    X(C_Finalize)                                                                                            \
    X(C_GetInfo)                                                                                             \
    X(C_GetSlotList) X(C_GetSlotInfo) X(C_GetTokenInfo) X(C_GetMechanismList) X(C_GetMechanismInfo)          \
        X(C_InitToken) X(C_InitPIN) X(C_SetPIN) X(C_OpenSession) X(C_CloseSession) X(C_CloseAllSessions)     \
            X(C_GetSessionInfo) X(C_GetOperationState) X(C_SetOperationState) X(C_Login) X(C_Logout) X(      \
                C_CreateObject) X(C_CopyObject) X(C_DestroyObject) X(C_GetObjectSize) X(C_GetAttributeValue) \
                X(C_SetAttributeValue) X(C_FindObjectsInit) X(C_FindObjects) X(C_FindObjectsFinal)           \
                    X(C_EncryptInit) X(C_Encrypt) X(C_EncryptUpdate) X(C_EncryptFinal) X(C_DecryptInit)      \
                        X(C_Decrypt) X(C_DecryptUpdate) X(C_DecryptFinal) X(C_DigestInit) X(C_Digest)        \
                            X(C_DigestUpdate) X(C_DigestKey) X(C_DigestFinal) X(C_SignInit) X(C_Sign)        \
                                X(C_SignUpdate) X(C_SignFinal) X(C_SignRecoverInit) X(C_SignRecover)         \
                                    X(C_VerifyInit) X(C_Verify) X(C_VerifyUpdate) X(C_VerifyFinal)           \
                                        X(C_VerifyRecoverInit) X(C_VerifyRecover) X(C_DigestEncryptUpdate)   \
                                            X(C_DecryptDigestUpdate) X(C_SignEncryptUpdate)                  \
                                                X(C_DecryptVerifyUpdate) X(C_GenerateKey)                    \
                                                    X(C_GenerateKeyPair) X(C_WrapKey) X(C_UnwrapKey)         \
                                                        X(C_DeriveKey) X(C_SeedRandom) X(C_GenerateRandom)   \
                                                            X(C_GetFunctionStatus) X(C_CancelFunction)       \
                                                                X(C_WaitForSlotEvent)
// clang-format on

enum FunctionIndex : std::size_t {
#define SIGILLO_INDEX(name) k##name,
    SIGILLO_FUNCTIONS(SIGILLO_INDEX)
#undef SIGILLO_INDEX
};

const std::vector<std::string> kNames{
#define SIGILLO_NAME(name) #name,
    SIGILLO_FUNCTIONS(SIGILLO_NAME)
#undef SIGILLO_NAME
};

struct Shim {
    CK_FUNCTION_LIST* target = nullptr;
    CK_FUNCTION_LIST list{};
    FaultFile faults{std::getenv("SIGILLO_SHIM_FAULTS")};
    CallCounts counts{std::getenv("SIGILLO_SHIM_COUNTS"), kNames};
};
Shim* shim = nullptr;  // made once, never freed: callers may be in it at exit

// (…, CK_BYTE_PTR out, CK_ULONG_PTR size): what a fault can spoil.
template <class... Args>
void spoil(const Fault& fault, Args... args) {
    if constexpr (sizeof...(Args) >= 2) {
        const std::tuple<Args...> all(args...);
        const auto out = std::get<sizeof...(Args) - 2>(all);
        const auto size = std::get<sizeof...(Args) - 1>(all);
        if constexpr (std::is_same_v<std::remove_const_t<decltype(out)>, CK_BYTE_PTR> &&
                      std::is_same_v<std::remove_const_t<decltype(size)>, CK_ULONG_PTR>) {
            if (out == nullptr || size == nullptr || *size == 0) return;
            if (fault.corrupt) out[*size / 2] ^= 0x10;
            *size -= std::min(*size, fault.truncate);
        }
    }
}

template <auto Member, std::size_t Index, class Type>
struct Wrap;
template <auto Member, std::size_t Index, class... Args>
struct Wrap<Member, Index, CK_RV (*CK_FUNCTION_LIST::*)(Args...)> {
    static CK_RV call(Args... args) {
        shim->counts.count(Index);
        const std::optional<Fault> fault = shim->faults.take(kNames[Index].c_str());
        if (!fault) return (shim->target->*Member)(args...);
        if (fault->hang.count() > 0) shim->faults.hang(fault->hang);
        if (fault->rv && !fault->after) return *fault->rv;
        const CK_RV rv = (shim->target->*Member)(args...);
        if (rv == CKR_OK && fault->after) return *fault->rv;
        if (rv == CKR_OK) spoil(*fault, args...);
        return rv;
    }
};

[[noreturn]] void refuse(const char* why) {
    std::fprintf(stderr, "sigillo_p11_shim: %s\n", why);
    std::abort();
}

Shim* make() {
    const char* path = std::getenv("SIGILLO_SHIM_TARGET");
    if (path == nullptr) refuse("SIGILLO_SHIM_TARGET is not set");
    void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) refuse(::dlerror());
    const auto get_list = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    auto* made = new Shim;
    if (get_list == nullptr || get_list(&made->target) != CKR_OK) refuse("the target is no PKCS#11 module");
    made->list = *made->target;
#define SIGILLO_WRAP(name) \
    made->list.name = &Wrap<&CK_FUNCTION_LIST::name, k##name, decltype(&CK_FUNCTION_LIST::name)>::call;
    SIGILLO_FUNCTIONS(SIGILLO_WRAP)
#undef SIGILLO_WRAP
    return made;
}

}  // namespace
}  // namespace sigillo::shim

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
    using namespace sigillo::shim;
    static std::once_flag once;
    std::call_once(once, [] {
        shim = make();
        shim->list.C_GetFunctionList = &C_GetFunctionList;
    });
    if (list == nullptr) return CKR_ARGUMENTS_BAD;
    *list = &shim->list;
    return CKR_OK;
}
