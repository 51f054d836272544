// sigillo_bench_raw: what the HSM itself can do, the yardstick of the signing benchmarks. C_Sign on session keys that
// stay where they are, with one thread and with two; prints the better as JSON. Keys are gone when it ends.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Functions = CK_FUNCTION_LIST;

void check(CK_RV rv, const char* call) {
    if (rv != CKR_OK) throw std::runtime_error(std::string(call) + " answered " + std::to_string(rv));
}

// A byte array for an interface that takes everything as void*.
template <class T>
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, T& value) {
    return {type, &value, sizeof value};
}

CK_SLOT_ID slot_with_token(Functions* p11, const std::string& label) {
    CK_ULONG count = 0;
    check(p11->C_GetSlotList(CK_TRUE, nullptr, &count), "C_GetSlotList");
    std::vector<CK_SLOT_ID> slots(count);
    check(p11->C_GetSlotList(CK_TRUE, slots.data(), &count), "C_GetSlotList");
    for (const CK_SLOT_ID slot : slots) {
        CK_TOKEN_INFO info{};
        check(p11->C_GetTokenInfo(slot, &info), "C_GetTokenInfo");
        std::string name(std::begin(info.label), std::end(info.label));
        name.erase(name.find_last_not_of(' ') + 1);
        if (name == label) return slot;
    }
    throw std::runtime_error("no token has the label " + label);
}

CK_OBJECT_HANDLE generate(Functions* p11, CK_SESSION_HANDLE session, bool rsa) {
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ULONG bits = 2048;
    std::array<CK_BYTE, 3> exponent{1, 0, 1};
    std::array<CK_BYTE, 10> p256{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};  // its OID, DER
    std::vector<CK_ATTRIBUTE> public_part{attribute(CKA_TOKEN, no), attribute(CKA_VERIFY, yes)};
    if (rsa) {
        public_part.push_back(attribute(CKA_MODULUS_BITS, bits));
        public_part.push_back({CKA_PUBLIC_EXPONENT, exponent.data(), exponent.size()});
    } else {
        public_part.push_back({CKA_EC_PARAMS, p256.data(), p256.size()});
    }
    // As the appliance's unwrapped keys: sensitive, private, sign only.
    std::vector<CK_ATTRIBUTE> private_part{attribute(CKA_TOKEN, no), attribute(CKA_PRIVATE, yes),
                                           attribute(CKA_SENSITIVE, yes), attribute(CKA_EXTRACTABLE, no),
                                           attribute(CKA_SIGN, yes)};
    CK_MECHANISM mechanism{rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, nullptr, 0};
    CK_OBJECT_HANDLE public_key = 0;
    CK_OBJECT_HANDLE private_key = 0;
    check(p11->C_GenerateKeyPair(session, &mechanism, public_part.data(), public_part.size(), private_part.data(),
                                 private_part.size(), &public_key, &private_key),
          "C_GenerateKeyPair");
    return private_key;
}

// DigestInfo of a SHA-256 digest (PKCS#1 v1.5), or the bare digest for ECDSA.
std::vector<CK_BYTE> input_for(bool rsa) {
    std::vector<CK_BYTE> input;
    if (rsa)
        input = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    input.resize(input.size() + 32, 0x5a);
    return input;
}

void sign_until(Functions* p11, CK_SLOT_ID slot, CK_OBJECT_HANDLE key, bool rsa, const std::atomic<bool>& stop,
                std::atomic<std::uint64_t>& signatures) {
    CK_SESSION_HANDLE session = 0;
    check(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session), "C_OpenSession");
    CK_MECHANISM mechanism{rsa ? CKM_RSA_PKCS : CKM_ECDSA, nullptr, 0};
    std::vector<CK_BYTE> input = input_for(rsa);
    std::array<CK_BYTE, 256> signature{};
    std::uint64_t done = 0;
    for (; !stop.load(std::memory_order_relaxed); ++done) {
        CK_ULONG length = signature.size();
        check(p11->C_SignInit(session, &mechanism, key), "C_SignInit");
        check(p11->C_Sign(session, input.data(), input.size(), signature.data(), &length), "C_Sign");
    }
    signatures += done;
    check(p11->C_CloseSession(session), "C_CloseSession");
}

double rate(Functions* p11, CK_SLOT_ID slot, CK_OBJECT_HANDLE key, bool rsa, unsigned threads,
            std::chrono::duration<double> length) {
    std::atomic<bool> stop{false};
    std::atomic<bool> failed{false};
    std::atomic<std::uint64_t> signatures{0};
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < threads; ++i)
        workers.emplace_back([&] {
            try {
                sign_until(p11, slot, key, rsa, stop, signatures);
            } catch (const std::exception& error) {
                std::cerr << "sigillo_bench_raw: " << error.what() << "\n";
                failed = true;
            }
        });
    std::this_thread::sleep_for(length);
    stop = true;
    workers.clear();
    if (failed) throw std::runtime_error("a thread failed");
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    return static_cast<double>(signatures) / taken.count();
}

double best_rate(const std::string& module, const std::string& label, std::string pin, bool rsa,
                 std::chrono::duration<double> length) {
    void* library = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(::dlerror());
    const auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    Functions* p11 = nullptr;
    if (get_functions == nullptr) throw std::runtime_error(module + " is no PKCS#11 module");
    check(get_functions(&p11), "C_GetFunctionList");
    CK_C_INITIALIZE_ARGS threads_of_the_system{};
    threads_of_the_system.flags = CKF_OS_LOCKING_OK;
    check(p11->C_Initialize(&threads_of_the_system), "C_Initialize");
    const CK_SLOT_ID slot = slot_with_token(p11, label);
    CK_SESSION_HANDLE session = 0;
    check(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session), "C_OpenSession");
    check(p11->C_Login(session, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()), pin.size()), "C_Login");
    const CK_OBJECT_HANDLE key = generate(p11, session, rsa);
    const double one = rate(p11, slot, key, rsa, 1, length);
    const double two = rate(p11, slot, key, rsa, 2, length);
    check(p11->C_CloseSession(session), "C_CloseSession");  // which destroys the key
    return std::max(one, two);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("sigillo_bench_raw: C_Sign, and nothing else");
    std::string module;
    std::string label;
    std::string pin;
    std::string algorithm = "EC-P256";
    double seconds = 3;
    app.add_option("--module", module, "The PKCS#11 module")->required();
    app.add_option("--token", label, "The token's label")->required();
    app.add_option("--pin", pin, "The user PIN (a token made for the benchmark)")->required();
    app.add_option("--algorithm", algorithm, "EC-P256 or RSA-2048")->check(CLI::IsMember({"EC-P256", "RSA-2048"}));
    app.add_option("--seconds", seconds, "For each number of threads")->check(CLI::Range(0.1, 600.0));
    CLI11_PARSE(app, argc, argv);
    try {
        const double best =
            best_rate(module, label, pin, algorithm == "RSA-2048", std::chrono::duration<double>(seconds));
        std::printf("%.1f\n", best);
        std::fflush(stdout);
    } catch (const std::exception& error) {
        std::cerr << "sigillo_bench_raw: " << error.what() << "\n";
        return 1;
    }
    // Without C_Finalize: SoftHSM's has crashed at exit with OpenSSL 3.
    std::_Exit(0);
}
