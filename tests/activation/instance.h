// An appliance's activation with everything below it: LMDB, log, records; a clock set by hand; a KeyStore in
// memory unless another is given. Clients, signers and credentials are written as issuance writes them.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "appliance/activation/activator.h"
#include "appliance/activation/enrolment.h"
#include "appliance/audit/store_log.h"
#include "appliance/base/file.h"
#include "appliance/store/lmdb_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/software_key_store.h"

namespace sigillo::activation::testing {

using sigillo::testing::ManualClock;
using sigillo::testing::ScratchDirectory;
using sigillo::testing::SoftwareKeyStore;

struct Settings {
    ActivatorConfig activator;
    SadConfig sad;
    PinConfig pin{.memory_kib = 64, .passes = 1};  // fast: Argon2's strength is not what is tested
    EnrolmentConfig enrolment;
    RefusalLogConfig refusals;
};

// A factor as its signer holds it.
struct Held {
    FactorId id;
    std::string word;
    SecretBytes seed;  // OTPs
};

class Instance {
 public:
    // `keys`: the caller's, or one in memory.
    explicit Instance(Settings settings = {}, KeyStore* keys = nullptr);
    ~Instance();

    // Closes the store and opens it anew, as a new process of the same boot would.
    void restart();

    ClientId add_client(const std::string& tenant = "bank");
    SignerId add_signer(const std::string& tenant = "bank");
    Held enrol(const SignerId& signer, const std::string& word, const std::string& pin = "");
    struct CredentialOptions {
        record::CredentialClass credential_class = record::CLASS_SIMPLE;
        std::uint32_t multisign = 100;
    };
    CredentialId add_credential(const SignerId& signer, const std::string& policy,
                                const std::vector<const Held*>& factors,
                                CredentialOptions options = {record::CLASS_SIMPLE, 100});
    void change_credential(const CredentialId& id, const std::function<void(record::Credential&)>& change);
    record::Credential credential(const CredentialId& id);
    record::CredentialState state(const CredentialId& id);

    // The code that the signer's app shows now, `steps` away; the HOTP token's code for a counter.
    std::string totp(const Held& factor, int steps = 0) const;
    std::string hotp(const Held& factor, std::uint64_t counter) const;
    // A code that is right for no step around now.
    std::string wrong_code(const Held& factor) const;
    std::string click(const std::vector<Digest>& hashes, const std::string& nonce = "");

    AuthorizeRequest request(const ClientId& client, const CredentialId& credential,
                             std::vector<Digest> hashes) const;

    // Every event of the log so far; `type` filters.
    std::vector<nlohmann::json> events(const std::string& type = "");
    std::size_t count(const std::string& type);

    template <class Body>
    auto update(Body&& body) {
        return ledger->update(std::forward<Body>(body));
    }

    Settings settings;
    ScratchDirectory scratch;
    ManualClock clock;
    SystemRandom random;
    UniqueFd nowhere;
    Logger logger;
    SoftwareKeyStore software_keys;
    KeyStore& keys;
    RecordCodec codec;
    Status clock_status;  // what the clock check says

    std::unique_ptr<LmdbStore> store;
    std::unique_ptr<audit::StoreLog> log;
    std::unique_ptr<audit::Ledger> ledger;
    std::unique_ptr<Pins> pins;
    std::unique_ptr<Sads> sads;
    std::unique_ptr<RefusalLog> refusals;
    std::unique_ptr<Enrolment> enrolment;
    std::unique_ptr<Activator> activator;

 private:
    void start();
};

// SHA-256 of a text: a hash like any other.
Digest hash_of(const std::string& text);
std::vector<Digest> hashes_of(std::size_t count);

// Adds a factor to a request.
AuthorizeRequest& show(AuthorizeRequest& request, const std::string& word, const std::string& value);

}  // namespace sigillo::activation::testing
