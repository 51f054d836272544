#include "tests/support/soft_token.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <stdexcept>

#include "tests/support/scratch_directory.h"

namespace sigillo::testing {
namespace {

template <class T>
T value_of(Result<T> result, const char* what) {
    if (!result) throw std::runtime_error(std::string(what) + ": " + to_string(result.error()));
    return *std::move(result);
}

void set_environment(const char* name, const std::filesystem::path& value) {
    if (::setenv(name, value.c_str(), 1) != 0) throw std::runtime_error(std::string("setenv ") + name);
}

}  // namespace

SoftHsm& SoftHsm::instance() {
    static SoftHsm hsm;
    return hsm;
}

SoftHsm::SoftHsm() {
    if (!std::filesystem::exists(module())) throw std::runtime_error("SoftHSM2 is not installed");
    // Removed at exit by a function that runs after SoftHSM's own: it is registered first.
    static ScratchDirectory scratch;
    directory_ = scratch.path();
    std::filesystem::create_directory(token_directory());
    std::ofstream(conf()) << "directories.tokendir = " << token_directory().string()
                          << "\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n";
    set_environment("SOFTHSM2_CONF", conf());
    set_environment("SIGILLO_SHIM_TARGET", module());
    set_environment("SIGILLO_SHIM_FAULTS", directory_ / "faults");
    set_environment("SIGILLO_SHIM_COUNTS", directory_ / "calls");
}

std::filesystem::path SoftHsm::module() {
    return SIGILLO_SOFTHSM2_MODULE;
}
std::filesystem::path SoftHsm::shim() {
    return SIGILLO_SHIM_MODULE;
}

void SoftHsm::set_faults(const std::string& lines) const {
    const auto fresh = directory_ / "faults.new";
    {
        std::ofstream out(fresh);
        out << lines << '\n';
    }
    std::filesystem::rename(fresh, directory_ / "faults");  // a new inode: seen by the very next call
}

std::size_t SoftHsm::calls(const std::string& function) const {
    std::ifstream in(directory_ / "calls");
    std::string name;
    for (std::size_t count = 0; in >> name >> count;)
        if (name == function) return count;
    return 0;
}

SoftToken::SoftToken(Through through, KeyAlgorithm ca) {
    static std::atomic<int> tokens{0};
    SoftHsm::instance();
    TokenInitialisation what;
    what.module_path = through == Through::kShim ? SoftHsm::shim() : SoftHsm::module();
    what.label = "test-" + std::to_string(++tokens);
    what.so_pin = SecretBytes::copy_of(kSoPin);
    what.user_pin = SecretBytes::copy_of(kPin);
    uri_ = value_of(initialise_token(what), "initialise_token");

    CeremonyConfig config;
    config.token_uri = uri_;
    config.pin = pin();
    config.ca_algorithm = ca;
    report_ = value_of(run_ceremony(config, random()), "run_ceremony");
}

Pkcs11Config SoftToken::config() const {
    Pkcs11Config config;
    config.token_uri = uri_;
    config.pin = pin();
    config.session_wait = std::chrono::seconds(2);
    return config;
}

std::unique_ptr<Pkcs11KeyStore> SoftToken::open(const std::function<void(Pkcs11Config&)>& change) const {
    Pkcs11Config wanted = config();
    if (change) change(wanted);
    return value_of(Pkcs11KeyStore::create(std::move(wanted), random(), logger()), "Pkcs11KeyStore::create");
}

Random& SoftToken::random() {
    static SystemRandom random;
    return random;
}

Logger& SoftToken::logger() {
    static const char* path = ::getenv("SIGILLO_TEST_LOG");
    static const int fd =
        ::open(path != nullptr ? path : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    static Logger logger("test", fd);
    return logger;
}

}  // namespace sigillo::testing
