#include "tests/sigillod/daemon_under_test.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "appliance/base/encoding.h"
#include "appliance/base/file.h"
#include "appliance/base/random.h"

namespace sigillo::testing {
namespace {

using namespace std::chrono_literals;
constexpr auto kPatience = 30s;  // sanitizers on a shared machine

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
    std::filesystem::permissions(path,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

template <class Response, class Request>
Response exchange(const std::string& socket, Request& request) {
    request.set_id(1);
    const std::string bytes = request.SerializeAsString();
    const auto answer = ipc::call_once(socket, as_bytes(bytes), std::chrono::milliseconds(kPatience));
    Response response;
    if (!answer || !response.ParseFromArray(answer->data(), static_cast<int>(answer->size()))) {
        const Error error = answer ? Error{Errc::kInternal, "not a message"} : answer.error();
        response.mutable_error()->set_code(static_cast<std::uint32_t>(error.code));
        response.mutable_error()->set_detail("no answer: " + error.detail);
    }
    return response;
}

}  // namespace

DaemonUnderTest::DaemonUnderTest(DaemonOptions options) : options_(std::move(options)) {
    for (const char* folder : {"hsm", "hsm/tokens", "sockets", "anchor"}) {
        std::filesystem::create_directory(scratch_ / folder);
        std::filesystem::permissions(scratch_ / folder, std::filesystem::perms::owner_all);
    }
    const std::string home = scratch_.path().string();
    write_text(
        scratch_ / "hsm/softhsm2.conf",
        "directories.tokendir = " + home + "/hsm/tokens\nobjectstore.backend = file\nlog.level = ERROR\n");
    write_text(scratch_ / "hsm/pin", "12345678\n");
    write_text(scratch_ / "hsm/so-pin", "87654321\n");
    set_faults("");
    const std::string module = options_.through_shim ? SIGILLO_SHIM_MODULE : SIGILLO_SOFTHSM2_MODULE;
    std::string anchors = "\"" + home + "/anchor\"";
    if (!options_.extra_anchor.empty()) anchors += ", \"" + options_.extra_anchor + "\"";
    write_text(config(), "[hsm]\ntoken = \"pkcs11:token=sigillo?module-path=" + module + "\"\npin_file = \"" +
                             home + "/hsm/pin\"\ntoken_directory = \"" + home + "/hsm/tokens\"\n" +
                             options_.hsm_keys + "\n[store]\ndirectory = \"" + home + "/store\"\n" +
                             options_.store_keys + "\n[log]\ndirectory = \"" + home +
                             "/log\"\norigin = \"test.example/log\"\nanchors = [" + anchors +
                             "]\n[sigillod]\nallow_root = true\nsigning_socket = \"" + socket("signing") +
                             "\"\npublic_socket = \"" + socket("public") + "\"\nadmin_socket = \"" +
                             socket("admin") + "\"\nbackup_directories = [\"" + home + "\"]\n" +
                             // The shim opens files of its own, which the filters know nothing of.
                             (options_.through_shim ? "landlock = false\nseccomp = \"off\"\n" : "") +
                             "[activation]\n" + options_.activation_keys +
                             "\n[issuance]\npki_url = \"http://localhost/pki\"\n" + options_.extra_config);
}

DaemonUnderTest::~DaemonUnderTest() {
    if (running()) kill();
}

std::string DaemonUnderTest::socket(const std::string& kind) const {
    return (scratch_ / ("sockets/" + kind)).string();
}

void DaemonUnderTest::set_faults(const std::string& lines) const {
    // Renamed into place, so that the shim never reads half of it.
    write_text(scratch_ / "faults.new", lines);
    std::filesystem::rename(scratch_ / "faults.new", scratch_ / "faults");
}

pid_t DaemonUnderTest::spawn(const std::string& program, const std::vector<std::string>& arguments,
                             const std::string& output) const {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::setenv("SOFTHSM2_CONF", (scratch_ / "hsm/softhsm2.conf").c_str(), 1);
    ::setenv("SIGILLO_SHIM_TARGET", SIGILLO_SOFTHSM2_MODULE, 1);
    ::setenv("SIGILLO_SHIM_FAULTS", (scratch_ / "faults").c_str(), 1);
    const std::string path = std::string(SIGILLO_PROGRAMS) + "/" + program;
    std::vector<char*> argv{const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(path.c_str(), argv.data());
    ::_exit(127);
}

int DaemonUnderTest::run(const std::string& program, const std::vector<std::string>& arguments,
                         std::string* output) const {
    static std::atomic<int> calls{0};
    const std::string file = (scratch_ / ("output-" + std::to_string(++calls))).string();
    const int status = wait_for(spawn(program, arguments, file));
    if (output != nullptr) *output = read_text(file);
    return status;
}

void DaemonUnderTest::provision() {
    std::string output;
    if (run("sigillod",
            {"ceremony", "--config", config().string(), "--so-pin-file", (scratch_ / "hsm/so-pin").string()},
            &output) != 0)
        throw std::runtime_error("ceremony: " + output);
}

void DaemonUnderTest::start() {
    pid_ = spawn("sigillod", {"run", "--config", config().string()}, (scratch_ / "journal").string());
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
        sam::PublicRequest request;
        request.mutable_get_health();
        if (std::filesystem::exists(socket("public")) && !ask(request).has_error()) return;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            throw std::runtime_error("sigillod ended: " + journal());
        }
        std::this_thread::sleep_for(20ms);
    }
    throw std::runtime_error("sigillod does not answer: " + journal());
}

int DaemonUnderTest::start_expecting_exit() {
    return wait_for(
        spawn("sigillod", {"run", "--config", config().string()}, (scratch_ / "journal").string()));
}

void DaemonUnderTest::kill() {
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
    pid_ = -1;
}

int DaemonUnderTest::terminate() {
    ::kill(pid_, SIGTERM);
    const int status = wait_for(pid_);
    pid_ = -1;
    return status;
}

std::string DaemonUnderTest::journal() const {
    return read_text(scratch_ / "journal");
}

int DaemonUnderTest::audit(std::string* output) const {
    sam::AdminRequest request;
    request.mutable_get_checkpoint();
    if (running()) write_text(scratch_ / "log.vkey", ask(request).checkpoint().vkey() + "\n");
    return run("sigillo-audit",
               {"verify", "--log", (scratch_ / "log").string(), "--key", (scratch_ / "log.vkey").string()},
               output);
}

sam::SigningResponse DaemonUnderTest::ask(sam::SigningRequest request, const Bytes& spki) const {
    request.mutable_client()->set_spki_sha256(spki.data(), spki.size());
    return exchange<sam::SigningResponse>(socket("signing"), request);
}
sam::AdminResponse DaemonUnderTest::ask(sam::AdminRequest request) const {
    return exchange<sam::AdminResponse>(socket("admin"), request);
}
sam::PublicResponse DaemonUnderTest::ask(sam::PublicRequest request) const {
    return exchange<sam::PublicResponse>(socket("public"), request);
}

ClientUnderTest::ClientUnderTest(DaemonUnderTest& daemon, const std::string& tenant) : daemon_(daemon) {
    SystemRandom random;
    spki_ = random.bytes(32);
    sam::AdminRequest add;
    add.mutable_client_add()->set_tenant(tenant);
    add.mutable_client_add()->set_name("test");
    add.mutable_client_add()->set_spki_sha256(spki_.data(), spki_.size());
    const auto answer = daemon.ask(add);
    if (!answer.has_client()) throw std::runtime_error("client add: " + answer.error().detail());
    id_ = answer.client().client_id();
    ipc::ClientConfig config;
    config.path = daemon.socket("signing");
    config.reconnect_pause = 20ms;
    connection_ = ipc::Client::create(config);
}

sam::SigningResponse ClientUnderTest::ask(const sam::SigningRequest& request) const {
    for (int i = 0; i < 250 && daemon_.running() && !connection_->connected(); ++i)
        std::this_thread::sleep_for(20ms);
    sam::SigningRequest numbered = request;
    numbered.set_id(connection_->next_id());
    numbered.mutable_client()->set_spki_sha256(spki_.data(), spki_.size());
    std::promise<Result<Bytes>> arrived;
    connection_->call(numbered.id(), as_bytes(numbered.SerializeAsString()),
                      [&](Result<Bytes> bytes) { arrived.set_value(std::move(bytes)); });
    const auto answer = arrived.get_future().get();
    sam::SigningResponse response;
    if (!answer || !response.ParseFromArray(answer->data(), static_cast<int>(answer->size()))) {
        response.mutable_error()->set_code(
            static_cast<std::uint32_t>(answer ? Errc::kInternal : answer.error().code));
        response.mutable_error()->set_detail("no answer");
    }
    return response;
}

std::string ClientUnderTest::create_signer() {
    sam::SigningRequest request;
    auto& person = *request.mutable_create_signer()->mutable_person();
    person.set_given("Ada");
    person.set_family("Lovelace");
    person.set_country("IT");
    const auto answer = ask(request);
    if (!answer.has_signer()) throw std::runtime_error("create signer: " + answer.error().detail());
    return answer.signer().signer_id();
}

std::string ClientUnderTest::create_credential(const std::string& signer, const std::string& policy,
                                               const std::string& algorithm,
                                               const std::string& credential_class) {
    sam::SigningRequest request;
    auto& body = *request.mutable_create_credential();
    body.set_signer_id(signer);
    body.set_class_(credential_class);
    body.set_key_algorithm(algorithm);
    body.set_policy(policy);
    body.set_certificate_source("embedded");
    const auto answer = ask(request);
    if (!answer.has_created_credential())
        throw std::runtime_error("create credential: " + answer.error().detail());
    return answer.created_credential().credential_id();
}

SecretBytes ClientUnderTest::enrol_totp(const std::string& signer) {
    sam::SigningRequest request;
    request.mutable_enrol_factor()->set_signer_id(signer);
    request.mutable_enrol_factor()->set_type("totp");
    const auto answer = ask(request);
    const std::string& uri = answer.enrolled_factor().otpauth();
    const auto at = uri.find("secret=");
    if (at == std::string::npos) throw std::runtime_error("enrol: " + answer.error().detail());
    const std::string text = uri.substr(at + 7, uri.find('&', at) - at - 7);
    Bytes seed;
    std::uint32_t buffer = 0;
    unsigned bits = 0;
    for (const char c : text) {
        buffer = (buffer << 5) | static_cast<std::uint32_t>(c >= 'A' ? c - 'A' : c - '2' + 26);
        if (bits += 5; bits >= 8) seed.push_back(static_cast<std::uint8_t>(buffer >> (bits -= 8)));
    }
    return SecretBytes::copy_of(seed);
}

std::string ClientUnderTest::click(const std::vector<Bytes>& hashes) const {
    SystemRandom random;
    Bytes all;
    for (const Bytes& hash : hashes) append(all, ByteView(hash));
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    return nlohmann::json{{"time", now.count()},
                          {"nonce", base64_encode(random.bytes(16))},
                          {"hashesSHA256", base64_encode(sha256(ByteView(all)))},
                          {"address", "192.0.2.1"},
                          {"userAgent", "test"}}
        .dump();
}

sam::SigningRequest ClientUnderTest::authorize(const std::string& credential,
                                               const std::vector<Bytes>& hashes, const std::string& factor,
                                               const std::string& value) const {
    sam::SigningRequest request;
    auto& body = *request.mutable_authorize();
    body.set_credential_id(credential);
    body.set_hash_type(1);
    body.set_hash_algorithm(1);
    for (const Bytes& hash : hashes) body.add_hashes(hash.data(), hash.size());
    auto& datum = *body.add_auth_data();
    datum.set_id(factor);
    datum.set_value(value);
    return request;
}

sam::SigningRequest ClientUnderTest::sign_hash(const std::string& credential, const std::string& sad,
                                               const std::vector<Bytes>& hashes) const {
    sam::SigningRequest request;
    auto& body = *request.mutable_sign_hash();
    body.set_credential_id(credential);
    body.set_sad(sad);
    body.set_hash_algorithm(1);
    for (const Bytes& hash : hashes) body.add_hashes(hash.data(), hash.size());
    return request;
}

sam::SigningRequest ClientUnderTest::sign_documents(const std::string& credential, const std::string& sad,
                                                    const std::vector<Bytes>& digests) const {
    sam::SigningRequest request;
    auto& body = *request.mutable_sign_documents();
    body.set_credential_id(credential);
    body.set_sad(sad);
    body.set_hash_algorithm(1);
    for (const Bytes& digest : digests) {
        auto& document = *body.add_documents();
        document.set_digest(digest.data(), digest.size());
        document.set_format(1);
    }
    return request;
}

std::vector<std::string> ClientUnderTest::sign(const std::string& credential,
                                               const std::vector<Bytes>& hashes) const {
    const auto granted = ask(authorize(credential, hashes, "click", click(hashes)));
    if (!granted.has_authorized()) return {};
    const auto answer = ask(sign_hash(credential, granted.authorized().sad(), hashes));
    return {answer.signatures().signatures().begin(), answer.signatures().signatures().end()};
}

Bytes hash_of(const std::string& text) {
    return to_bytes(ByteView(sha256(as_bytes(text))));
}

std::string totp_code(const SecretBytes& seed, std::int64_t unix_seconds) {
    Bytes counter;
    append_u64(counter, static_cast<std::uint64_t>(unix_seconds / 30));
    std::array<std::uint8_t, 20> mac{};
    unsigned size = mac.size();
    HMAC(EVP_sha1(), seed.expose().data(), static_cast<int>(seed.size()), counter.data(), counter.size(),
         mac.data(), &size);
    const std::uint32_t offset = mac[19] & 15U;
    const std::uint32_t value = read_u32(ByteView(mac).subspan(offset)) & 0x7fffffffU;
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%06u", value % 1'000'000U);
    return text.data();
}

}  // namespace sigillo::testing
