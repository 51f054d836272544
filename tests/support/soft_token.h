// A real SoftHSM token for tests: a scratch folder, tokens made by the appliance's own ceremony, an open
// Pkcs11KeyStore, and the fault-injecting shim between the two when asked for.
//
// SoftHSM reads SOFTHSM2_CONF once a process, in C_Initialize: so one SoftHsm for each test process, made on
// first use and never torn down before exit; each SoftToken is a token of its own in it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "appliance/base/logger.h"
#include "appliance/base/random.h"
#include "keystore/pkcs11/ceremony.h"
#include "keystore/pkcs11/pkcs11_key_store.h"

namespace sigillo::testing {

// Process-wide: the folder, softhsm2.conf and the environment. Also sets SIGILLO_SHIM_*.
class SoftHsm {
 public:
    // Throws std::runtime_error when SoftHSM is not installed.
    static SoftHsm& instance();

    const std::filesystem::path& directory() const { return directory_; }
    std::filesystem::path conf() const { return directory_ / "softhsm2.conf"; }
    std::filesystem::path token_directory() const { return directory_ / "tokens"; }
    static std::filesystem::path module();  // libsofthsm2.so
    static std::filesystem::path shim();    // libsigillo_p11_shim.so

    // Replaces the shim's fault file (tests/fault/pkcs11_shim/shim.cc has the syntax); "" clears it.
    void set_faults(const std::string& lines) const;
    // Calls of `function` ("C_Login") that the shim has seen in this process so far.
    std::size_t calls(const std::string& function) const;

 private:
    SoftHsm();
    std::filesystem::path directory_;
};

enum class Through { kModule, kShim };

// An initialised token with every key of the ceremony.
class SoftToken {
 public:
    explicit SoftToken(Through through = Through::kModule, KeyAlgorithm ca = KeyAlgorithm::kEcP256);
    SoftToken(const SoftToken&) = delete;
    SoftToken& operator=(const SoftToken&) = delete;

    const std::string& uri() const { return uri_; }
    SecretBytes pin() const { return SecretBytes::copy_of(kPin); }
    const CeremonyReport& ceremony() const { return report_; }

    // Defaults for this token, with a session_wait of 2 s.
    Pkcs11Config config() const;
    // Throws std::runtime_error with the error's text when the store does not open.
    std::unique_ptr<Pkcs11KeyStore> open(const std::function<void(Pkcs11Config&)>& change = {}) const;

    static Random& random();
    static Logger& logger();  // to SIGILLO_TEST_LOG's file, or nowhere

    static constexpr const char* kPin = "correct-horse";
    static constexpr const char* kSoPin = "officer-of-the-day";

 private:
    std::string uri_;
    CeremonyReport report_;
};

}  // namespace sigillo::testing
