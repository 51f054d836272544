// A sigillod of the test's own: SoftHSM token, store, log and sockets in a scratch folder, the real program
// as a child that dies with its test, and what its three kinds of peers say to it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "appliance/base/digest.h"
#include "appliance/ipc/client.h"
#include "appliance/ipc/sam.pb.h"
#include "tests/support/scratch_directory.h"

namespace sigillo::testing {

struct DaemonOptions {
    bool through_shim = false;    // the fault-injecting PKCS#11 module between sigillod and SoftHSM
    std::string extra_config;     // TOML appended to the file
    std::string extra_anchor;     // a second rollback anchor
    std::string store_keys;       // lines of table [store]
    std::string activation_keys;  // lines of table [activation]
    std::string hsm_keys;         // lines of table [hsm]
};

class DaemonUnderTest {
 public:
    explicit DaemonUnderTest(DaemonOptions options = {});
    ~DaemonUnderTest();  // kills what still runs

    // Holds the ceremony once. Throws std::runtime_error with the program's words.
    void provision();
    void start();                              // returns when the signing socket answers
    int start_expecting_exit();                // returns the exit status of a daemon that refuses to start
    void kill();                               // SIGKILL, and waits
    int terminate();                           // SIGTERM, and waits: exit status
    bool running() const { return pid_ > 0; }  // safe from any thread
    pid_t pid() const { return pid_; }

    std::filesystem::path config() const { return scratch_ / "sigillo.toml"; }
    std::filesystem::path home() const { return scratch_.path(); }
    std::string socket(const std::string& kind) const;  // signing, public, admin, deposit.sock
    std::string journal() const;                        // what sigillod wrote to its standard error
    void set_faults(const std::string& lines) const;    // of the shim
    // Runs a program of ours with arguments; exit status, output into `output`.
    int run(const std::string& program, const std::vector<std::string>& arguments,
            std::string* output = nullptr) const;
    // The published log, verified by sigillo-audit from outside: exit status.
    int audit(std::string* output = nullptr) const;

    // One request on a connection of its own. Error code 0: an answer.
    sam::SigningResponse ask(sam::SigningRequest request, const Bytes& spki) const;
    sam::AdminResponse ask(sam::AdminRequest request) const;
    sam::PublicResponse ask(sam::PublicRequest request) const;

 private:
    pid_t spawn(const std::string& program, const std::vector<std::string>& arguments,
                const std::string& output) const;

    ScratchDirectory scratch_;
    const DaemonOptions options_;
    std::atomic<pid_t> pid_ = -1;
};

// A registered client with a signer and a credential of class simple, activated by click.
class ClientUnderTest {
 public:
    ClientUnderTest(DaemonUnderTest& daemon, const std::string& tenant = "bank");

    std::string create_signer();
    std::string create_credential(const std::string& signer, const std::string& policy = "click",
                                  const std::string& algorithm = "EC-P256",
                                  const std::string& credential_class = "simple");
    // otpauth URI's seed of a new TOTP factor.
    SecretBytes enrol_totp(const std::string& signer);
    std::string click(const std::vector<Bytes>& hashes) const;

    sam::SigningRequest authorize(const std::string& credential, const std::vector<Bytes>& hashes,
                                  const std::string& factor, const std::string& value) const;
    sam::SigningRequest sign_hash(const std::string& credential, const std::string& sad,
                                  const std::vector<Bytes>& hashes) const;
    // CAdES without properties over each digest; the SAD must be for documents (hash type 2).
    sam::SigningRequest sign_documents(const std::string& credential, const std::string& sad,
                                       const std::vector<Bytes>& digests) const;
    // On one connection for all threads, as sigillo-api does it.
    sam::SigningResponse ask(const sam::SigningRequest& request) const;
    // authorize by click and signHash; the signatures, or nothing on any error.
    std::vector<std::string> sign(const std::string& credential, const std::vector<Bytes>& hashes) const;

    const Bytes& spki() const { return spki_; }
    const std::string& id() const { return id_; }

 private:
    DaemonUnderTest& daemon_;
    Bytes spki_;
    std::string id_;
    std::unique_ptr<ipc::Client> connection_;
};

Bytes hash_of(const std::string& text);
// The six digits of a TOTP seed at `time`.
std::string totp_code(const SecretBytes& seed, std::int64_t unix_seconds);

}  // namespace sigillo::testing
